/**
 * Who may import whom. Each rule carries its reason, and ARCHITECTURE.md tells them as a story.
 *
 * A datum never turns back on its way from disk to disk, so every arrow of the data path is one
 * direction of import. test/unit/scripts/import-rules.test.ts plants one bad file for every rule
 * below and expects that very rule to fire.
 */

/** Node.js modules that only compute on what they are given. */
const COMPUTATION =
  "^(node:)?(assert|assert/strict|buffer|crypto|path|stream|stream/consumers|url|util|zlib)$";

/** What touches the world, reads a clock or draws chance, by the end of its name. */
const IO_FILE = "[.]io[.]ts$";

/** The closed list of packages that travel to a node inside the initramfs. */
const FEW = "(^|node_modules/)(koffi|zstd-napi|raw-socket|@napi-rs/blake-hash|zod)(/|$)";

const NPM = [
  "npm",
  "npm-dev",
  "npm-optional",
  "npm-peer",
  "npm-bundled",
  "npm-no-pkg",
  "npm-unknown",
];

/** Stages of the data path in shared, each knowing only those before it. */
const STAGES = ["core", "disk", "filesystem", "allocation", "image"];

/** Services of the server: they ignore one another. */
const SERVICES = "inventory|power|boot|store|sessions";

/** Floors of the server above its services, lowest first. */
const FLOORS = ["enter", "jobs", "api", "main", "cli"];

const forbid = (name, from, to, comment) => ({ name, severity: "error", comment, from, to });

const stage = (folder, index) =>
  forbid(
    "disk-to-image-order",
    { path: `^shared/${folder}/` },
    {
      path: `^shared/(${[...STAGES.slice(index + 1), "fec", "wire", "session", "control"].join("|")})/`,
    },
    "core < disk < filesystem < allocation < image: a stage knows only those before it.",
  );

const placeOf = (floor) => (floor === "main" ? "^server/main[.]io[.]ts$" : `^server/${floor}/`);

const floor = (name, index) =>
  forbid(
    "server-floors",
    { path: index < 0 ? `^server/(${SERVICES})/` : placeOf(name) },
    { path: FLOORS.slice(index + 1).map(placeOf) },
    "services < enter < jobs < api < main < cli: nobody imports from a floor above.",
  );

module.exports = {
  forbidden: [
    forbid("no-cycles", {}, { circular: true }, "A cycle hides which way data flows."),
    forbid(
      "shared-is-below",
      { path: "^shared/" },
      { path: "^(server|receiver)/" },
      "Both ends agree on shared; it can know neither.",
    ),
    forbid(
      "io-shows-in-the-name",
      { path: "^(shared|server|receiver)/", pathNot: IO_FILE },
      { dependencyTypes: ["core"], pathNot: COMPUTATION },
      "Sockets, files, timers and threads are touched in *.io.ts files; all others compute.",
    ),
    forbid(
      "pure-takes-ports",
      { path: "^(shared|server|receiver)/", pathNot: IO_FILE },
      { path: IO_FILE, dependencyTypesNot: ["type-only"] },
      "A pure file takes a port as an argument; it may name an *.io.ts file's types only.",
    ),
    forbid(
      "linux-is-for-io",
      { path: "^(shared/(?!linux/)|server/|receiver/)", pathNot: IO_FILE },
      { path: "^shared/linux/", dependencyTypesNot: ["type-only"] },
      "Formats and engines run without Linux: in the simulator, in tests, in a foreign program.",
    ),
    forbid(
      "linux-is-a-leaf",
      { path: "^shared/linux/" },
      { path: "^shared/(?!linux/|core/|disk/)" },
      "System calls know units, errors and the disk interfaces they stand behind, nothing else.",
    ),
    forbid(
      "linux-is-a-leaf",
      { path: "^shared/(?!linux/|session/)" },
      { path: "^shared/linux/" },
      "Of shared, only the loops and threads of session open ports.",
    ),
    forbid(
      "native-code-has-one-home",
      { path: "^(huck[.]ts$|server/|receiver/|shared/(?!linux/))" },
      { path: "(^|node_modules/)(koffi|raw-socket)(/|$)" },
      "System calls are declared once, in shared/linux, where each has a plain twin.",
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
      { dependencyTypes: NPM, pathNot: FEW },
      "Every package here travels to each node in the initramfs (docs/adr/0005).",
    ),
    ...STAGES.map(stage),
    forbid(
      "codecs-stand-alone",
      { path: "^shared/(fec|wire|control)/" },
      { path: "^shared/", pathNot: ["^shared/core/", "^shared/$1/"] },
      "Code, datagrams and control messages change for different reasons.",
    ),
    forbid(
      "sessions-carry-bytes",
      { path: "^shared/session/" },
      { path: "^shared/", pathNot: "^shared/(core|fec|wire|session|linux)/" },
      "core, fec, wire < session: an engine knows neither images nor orders, so a relay can run it.",
    ),
    forbid(
      "services-stand-alone",
      { path: `^server/(${SERVICES})/` },
      { path: "^server/[^/]+/", pathNot: "^server/$1/" },
      "Services ignore one another, so that each can be read and tested by itself.",
    ),
    forbid(
      "settings-are-handed-in",
      { path: "^server/[^/]+/", pathNot: "^server/cli/" },
      { path: "^server/(?!main[.]io[.]ts$)[^/]+[.]ts$" },
      "config and node-drivers are read by main and the verbs; others are given what they need.",
    ),
    forbid(
      "settings-are-handed-in",
      { path: "^server/(?!main[.]io[.]ts$)[^/]+[.]ts$" },
      { path: "^server/(jobs|api|cli|main[.]io[.]ts$)" },
      "What huck.yaml may say follows from services and enter drivers, not from what uses it.",
    ),
    floor("services", -1),
    ...FLOORS.slice(0, -1).map(floor),
    forbid(
      "cli-speaks-the-api",
      { path: "^server/cli/remote/" },
      {
        path: [
          "^server/(?!cli/remote/|cli/[^/]+[.]ts$)",
          "^shared/(?!control/|core/(errno|errors|json|nearest-name|units)[.]ts$)",
        ],
      },
      "A remote verb knows of the server what the operator API says.",
    ),
    forbid(
      "cli-speaks-the-api",
      { path: "^server/cli/[^/]+[.]ts$", pathNot: "^server/cli/verbs[.]io[.]ts$" },
      { path: "^server/(?!cli/[^/]+[.]ts$)" },
      "Terminal and options are below the verbs that use them; only the list of verbs loads those.",
    ),
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    exclude: { path: "[.]as[.]ts$" },
  },
};
