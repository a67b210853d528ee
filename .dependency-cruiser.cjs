/**
 * Who may import whom. Each rule carries its reason, and ARCHITECTURE.md tells them as a story.
 *
 * The idea: a datum never turns back on its way from disk to disk, so every arrow of the data path
 * is one direction of import. test/unit/scripts/import-rules.test.ts plants one bad file for every
 * rule below and expects that very rule to fire.
 */

/** Node.js modules that reach outside the process, look at a clock or start a thread. */
const IO =
  "^(node:)?(fs|net|dgram|dns|http|https|http2|tls|timers|child_process|cluster|worker_threads|os|" +
  "perf_hooks|process|readline|repl|sqlite|tty|inspector|v8|wasi)(/|$)";

/** All that a pure folder may take from Node.js: computation on bytes it was given. */
const COMPUTATION = "^(node:)?(assert|buffer|crypto|util|zlib)(/|$)";

/** The only file names, besides everything in shared/linux, that may do I/O. */
const IO_OWNER = "(^|/)(main|loop|listener|driver|worker|device|folder)[.]ts$";

/** Folders whose code is a function of its arguments, `now` among them. */
const PURE =
  "^(shared/(core|disk|filesystem|allocation|image|fec|wire|control)|server/(sender|session|schedule)|" +
  "server/boot/(dhcp|tftp|ipxe)|receiver/reception)/";

/** The closed list of packages that travel to a node inside the initramfs. */
const FEW = "(^|node_modules/)(koffi|zstd-napi|raw-socket|@napi-rs/blake-hash|zod)(/|$)";

const forbid = (name, from, to, comment) => ({ name, severity: "error", comment, from, to });

const stage = (folder, later) =>
  forbid(
    "disk-to-image-order",
    { path: `^shared/${folder}/` },
    { path: `^shared/(${later}|fec|wire|control)/` },
    "core < disk < filesystem < allocation < image: a stage knows only the stages before it.",
  );

module.exports = {
  forbidden: [
    forbid("no-cycles", {}, { circular: true }, "A cycle hides which way data flows."),
    forbid(
      "shared-is-pure",
      { path: "^shared/" },
      { path: "^(server|receiver)/" },
      "Both ends agree on shared; it can know neither.",
    ),
    forbid(
      "shared-is-pure",
      { path: "^shared/(?!linux/)", pathNot: IO_OWNER },
      { path: IO },
      "Pass in a SectorSource, bytes or `now`; the system is behind shared/linux.",
    ),
    forbid(
      "linux-is-a-leaf",
      { path: "^shared/(?!linux/)" },
      { path: "^shared/linux/" },
      "Formats and engines run without Linux: in the simulator, in tests, in a foreign program.",
    ),
    forbid(
      "native-code-has-one-home",
      { path: "^(huck[.]ts$|server/|receiver/|shared/(?!linux/))" },
      { path: "(^|node_modules/)(koffi|raw-socket)(/|$)" },
      "System calls are declared once, in shared/linux, where each has a plain twin.",
    ),
    forbid(
      "pure-folders-compute",
      { path: PURE, pathNot: IO_OWNER },
      { dependencyTypes: ["core"], pathNot: COMPUTATION },
      "Same seed, same run: an engine gets bytes and time as arguments.",
    ),
    forbid(
      "io-has-owners",
      { path: "^(server|receiver)/", pathNot: IO_OWNER },
      { path: IO },
      "Sockets, files and timers live in main, loop, listener, driver, worker, device, folder.ts.",
    ),
    forbid(
      "ends-meet-in-shared",
      { path: "^server/" },
      { path: "^receiver/" },
      "The ends speak shared/wire and shared/control, or they could not be upgraded apart.",
    ),
    forbid(
      "ends-meet-in-shared",
      { path: "^receiver/" },
      { path: "^server/" },
      "The ends speak shared/wire and shared/control, or they could not be upgraded apart.",
    ),
    forbid(
      "tools-are-leaves",
      { path: "^(huck[.]ts$|shared/|server/|receiver/)" },
      { path: "^(test|scripts|initramfs)/" },
      "The product never needs its tests or its build.",
    ),
    forbid(
      "few-packages",
      { path: "^(shared|receiver)/" },
      {
        dependencyTypes: [
          "npm",
          "npm-dev",
          "npm-optional",
          "npm-peer",
          "npm-bundled",
          "npm-no-pkg",
          "npm-unknown",
        ],
        pathNot: FEW,
      },
      "Every package here travels to each node in the initramfs (docs/adr/0005).",
    ),
    stage("core", "disk|filesystem|allocation|image"),
    stage("disk", "filesystem|allocation|image"),
    stage("filesystem", "allocation|image"),
    stage("allocation", "image"),
    stage("image", "linux"),
    forbid(
      "codecs-stand-alone",
      { path: "^shared/(fec|wire|control)/" },
      { path: "^shared/", pathNot: ["^shared/core/", "^shared/$1/"] },
      "Code, datagrams and control messages change for different reasons.",
    ),
    forbid(
      "services-stand-alone",
      { path: "^server/(inventory|power|boot|store|sender|schedule)/" },
      { path: "^server/[^/]+/", pathNot: "^server/$1/" },
      "Only server/session joins services, so that each can be read and tested by itself.",
    ),
    forbid(
      "cli-speaks-control",
      { path: "^server/cli/" },
      { path: ["^server/(?!cli/)", "^shared/(?!control/|core/(errors|units)[.]ts$)"] },
      "The command line knows of the server what the operator API says.",
    ),
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    exclude: { path: "[.]as[.]ts$" },
  },
};
