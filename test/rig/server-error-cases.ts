/** The ways in which `huck serve` refuses to start, and in which the verbs that ask it fail. */
import { AS_NOBODY, READ_ONLY } from "./error-case.ts";
import type { ErrorCase } from "./error-case.ts";

const ADDRESS = "address: 127.0.0.1, httpPort: 40801, dhcp: { mode: off }, socket: s.sock";

function serve(settings: string, before = "", more: Partial<ErrorCase> = {}): ErrorCase {
  const start = before === "" ? "" : `${before}; `;
  const config = `echo "server: { ${settings} }" > h.yaml`;
  return { command: `${start}${config}; huck serve -c h.yaml`, exitCode: 4, ...more };
}

const ROOT = { needsRoot: true } as const;
const ASKS = { asks: true } as const;
/** Boot services on loopback, in a network of its own. */
const BOOT = "interface: lo, httpPort: 40801, bootPort: 40802, socket: s.sock";
const ALONE = "exec unshare --net sh -c";

/** A server whose boot files or networks are wrong. */
function boots(settings: string, before = ""): ErrorCase {
  const config = `server: { ${BOOT}, ${settings} }`;
  const start = `${before}echo "${config}" > h.yaml; ip link set lo up; huck serve -c h.yaml`;
  return { command: `${ALONE} '${start}'`, exitCode: 4, ...ROOT };
}

const NEWER_JOURNAL =
  'mkdir -m 700 state; "$NODE" -e \'const { DatabaseSync } = require(`node:sqlite`); ' +
  "new DatabaseSync(`state/huck.db`).exec(`PRAGMA user_version = 99`)'";
const LISTENER =
  '"$NODE" -e \'setTimeout(() => process.exit(), 4000); ' +
  "require(`net`).createServer().listen(40801, `127.0.0.1`)' & sleep 0.5";

/** All ways in which a server cannot start. */
export const SERVE_ERROR_CASES: readonly ErrorCase[] = [
  serve(`${ADDRESS}, store: disk.img`),
  serve(`${ADDRESS}, store: disk.img/x`),
  serve(`${ADDRESS}, state: disk.img`),
  serve(`${ADDRESS}, store: ro/x`, READ_ONLY, ROOT),
  serve(`${ADDRESS}, state: ro/x`, READ_ONLY, ROOT),
  serve(`${ADDRESS}, state: state`, "mkdir -m 700 state; echo x > state/order-key.pem"),
  serve(
    `${ADDRESS}, state: state`,
    "mkdir -m 700 state; umask 077; echo no key > state/order-key.pem",
  ),
  serve(`${ADDRESS}, state: state`, "mkdir -m 700 state; cp old.img state/huck.db"),
  serve(`${ADDRESS}, state: state`, "mkdir -m 700 state; mkdir state/huck.db"),
  serve(`${ADDRESS}, state: state`, NEWER_JOURNAL),
  serve(ADDRESS.replace("s.sock", "disk.img/s.sock")),
  serve(ADDRESS.replace("s.sock", "disk.img")),
  serve(ADDRESS.replace("127.0.0.1", "192.0.2.1")),
  serve(ADDRESS.replace("address: 127.0.0.1", "interface: none0")),
  serve(ADDRESS, LISTENER),
  serve(ADDRESS.replace("s.sock", "$LAB/huck.sock"), "", ASKS),
  serve(`${ADDRESS}, state: $LAB/state`, "", ASKS),
  serve(ADDRESS.replace("mode: off", "mode: on"), "", { exitCode: 2 }),
  serve(`${ADDRESS}, silenceSeconds: 1, store: 7`, "", { exitCode: 2 }),
  serve(ADDRESS, "", {
    command: "echo 'server: [' > h.yaml; huck serve -c h.yaml",
    exitCode: 2,
  }),
  { command: "huck serve -c .", exitCode: 2 },
  {
    command: `chmod 777 .; chmod 600 wrong.yaml; ${AS_NOBODY} huck serve -c wrong.yaml`,
    exitCode: 2,
    ...ROOT,
  },
  boots("dhcp: { mode: proxy }, bootFiles: none"),
  boots("dhcp: { mode: proxy }, bootFiles: boot", "mkdir boot; echo no > boot/manifest.json; "),
  boots("dhcp: { mode: full, range: 10.0.0.1-10.0.0.9 }, bootFiles: none"),
];

/** A server that is none: it answers with these bytes. */
function answers(bytes: string, verb: string): ErrorCase {
  const server =
    `"$NODE" -e 'setTimeout(() => process.exit(), 4000); require("net").createServer((one) => ` +
    `{ one.on("error", () => 0).once("data", () => one.end(${bytes})) }).listen("g.sock")' &`;
  return { command: `${server} sleep 0.5; HUCK_SOCKET=g.sock ${verb}`, exitCode: 6 };
}

const ask = (command: string, exitCode = 4, more: Partial<ErrorCase> = {}): ErrorCase => ({
  command: `huck ${command}`,
  exitCode,
  ...ASKS,
  ...more,
});

/**
 * All ways in which a verb fails that asks a server. The server has the nodes fit01 to fit03 (free,
 * never there), calm (needs --yes), dead (its power commands fail), and 17 jobs; one of them, a
 * load of lab on fit03, runs.
 */
export const ASKING_ERROR_CASES: readonly ErrorCase[] = [
  answers("`HTTP/1.1 200 OK\\r\\n\\r\\nhello`", "huck nodes"),
  answers("`HTTP/1.1 500 Oh\\r\\n\\r\\nhello`", "huck job list"),
  answers("``", "huck status"),
  ask("nodes 9", 2),
  ask("nodes 'fit[01-09]'", 2),
  ask("nodes 3-1", 2),
  ask("nodes 1-03", 2),
  ask("nodes 1-99999", 2),
  ask("nodes '~1'", 2),
  ask("nodes what", 2),
  ask("status what", 2),
  ask("image-load -i lab", 2),
  ask("image-load -i lab what", 2),
  ask("image-load -i 'a b' 1", 2),
  ask("image-load -i none 1"),
  ask("image-load -i none 1 --dry-run"),
  ask("image-load -i torn 1"),
  ask("image-load -i lab calm"),
  ask("image-load -i lab calm --dry-run", 4, { isResult: true }),
  ask("image-load -i lab 1-3"),
  ask("image-load -i lab 1-2 -t 10s", 1),
  ask("image-load -i bad 1 -t 10s", 1),
  ask("image-load -i lab dead -t 10s", 1),
  ask("image-load -i lab 1 -t 1s", 2),
  ask("image-load -i lab 1 --gather 3w", 2),
  ask("image-load -i lab 1 --verify none", 2),
  ask("image-load -i lab 1 --leave none", 2),
  ask("image-save -o new what", 2),
  ask("image-save -o new 1-2", 2),
  ask("image-save -o a/b 1", 2),
  ask("image-save -o new 1 --level 40", 2),
  ask("image-save -o lab 1"),
  ask("image-save -o torn 1"),
  ask("image-save -o new calm"),
  ask("image-save -o new 3"),
  ask("image-save -o new 1 -t 10s", 1),
  ask("image-save -o new dead -t 10s", 1),
  ask(`job show ${"0".repeat(32)}`),
  ask(`job abort ${"0".repeat(32)}`),
  ask("job show $(huck job list | tail -n +2 | cut -c1 | sort | uniq -d | head -n 1)"),
  ask("job abort $(huck job list | tail -n +2 | cut -c1 | sort | uniq -d | head -n 1)"),
  ask("job nonsense", 2),
  ask("image trash none"),
  ask("image trash lab"),
  ask("image trash a/b", 2),
  ask("nodes", 6, { command: `chmod 777 .; ${AS_NOBODY} huck nodes`, ...ROOT }),
];
