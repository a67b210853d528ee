/**
 * The lint gate: type-aware rules of typescript-eslint, size limits, documentation, determinism.
 *
 * The idea: the pure folders hold all protocol and format logic, so time, chance and the outside
 * world are banned there by name; the few files that own I/O are told apart by their file name
 * (main, loop, listener, driver, worker, device, folder), never by a list of exceptions.
 * Layer rules (who may import whom) are not here but in .dependency-cruiser.cjs.
 */
import jsdoc from "eslint-plugin-jsdoc";
import ts from "typescript-eslint";

/** Folders whose code takes bytes and `now` as arguments (ARCHITECTURE.md, "Pure folders"). */
const pureFolders = [
  ...["core", "disk", "filesystem", "allocation", "image", "fec", "wire", "control"].map(
    (folder) => `shared/${folder}/**/*.ts`,
  ),
  "server/sender/**/*.ts",
  "server/boot/{dhcp,tftp,ipxe}/**/*.ts",
  "server/session/**/*.ts",
  "server/schedule/**/*.ts",
  "receiver/reception/**/*.ts",
];

/** The only file names that may do I/O, read a clock or draw a random number. */
const ownersOfIo = ["main", "loop", "listener", "driver", "worker", "device", "folder"].map(
  (name) => `**/${name}.ts`,
);

const later = "Take `now` as an argument; only an owner of I/O reads a clock.";
const seeded = "Take a seeded generator (shared/core) as an argument.";
const outside = "Only main, loop, listener, driver, worker, device and folder.ts touch the world.";

export default ts.config(
  {
    ignores: [
      "node_modules/",
      ".node/",
      "build/",
      "dist/",
      "coverage/",
      "**/*.as.ts",
      "**/*-wasm.ts",
      "**/*.d.ts",
      "**/*.js",
      "**/*.cjs",
    ],
  },
  {
    files: ["**/*.ts"],
    extends: [ts.configs.strictTypeChecked],
    plugins: { jsdoc },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "max-lines": ["error", 400],
      "max-lines-per-function": ["error", { max: 70 }],
      "max-params": ["error", 4],
      "max-depth": ["error", 3],
      eqeqeq: "error",
      "no-restricted-syntax": [
        "error",
        { selector: "ExportDefaultDeclaration", message: "Export by name: names are searchable." },
        { selector: "ExportAllDeclaration", message: "No barrels: import from the defining file." },
      ],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/prefer-readonly": "error",
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/strict-boolean-expressions": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: false },
      ],
      "jsdoc/no-types": "error",
      "jsdoc/check-param-names": "error",
      "jsdoc/require-jsdoc": [
        "error",
        {
          publicOnly: true,
          require: {
            FunctionDeclaration: true,
            ClassDeclaration: true,
            MethodDefinition: true,
          },
          contexts: ["TSInterfaceDeclaration", "TSTypeAliasDeclaration"],
          checkConstructors: false,
          checkGetters: false,
        },
      ],
      "jsdoc/require-throws": "error",
    },
  },
  {
    files: pureFolders,
    ignores: ownersOfIo,
    rules: {
      "no-restricted-properties": [
        "error",
        { object: "Date", property: "now", message: later },
        { object: "performance", property: "now", message: later },
        { object: "Math", property: "random", message: seeded },
        { object: "crypto", property: "getRandomValues", message: seeded },
        { object: "crypto", property: "randomUUID", message: seeded },
      ],
      "no-restricted-globals": [
        "error",
        ...[
          "setTimeout",
          "setInterval",
          "setImmediate",
          "queueMicrotask",
          "process",
          "console",
        ].map((name) => ({ name, message: outside })),
        { name: "fetch", message: outside },
        { name: "performance", message: later },
      ],
    },
  },
  {
    // The inner loops of FEC index tables that are in bounds by construction; a check for
    // undefined per byte would halve their speed.
    files: ["shared/fec/**/*.ts"],
    rules: { "@typescript-eslint/no-non-null-assertion": "off" },
  },
  {
    // A test is one story told from top to bottom, and its helpers are documented by their names.
    files: ["test/**/*.ts", "scripts/**/*.ts"],
    rules: { "max-lines-per-function": "off", "jsdoc/require-jsdoc": "off" },
  },
  {
    // The tool that reads its configuration dictates the default export.
    files: ["vitest.config.ts"],
    rules: { "no-restricted-syntax": "off" },
  },
);
