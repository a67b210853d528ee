/**
 * The lint gate: type-aware rules of typescript-eslint, size limits, documentation, determinism.
 *
 * Where the world is touched shows in a file's name: in shared, server and receiver only `*.io.ts`
 * files read a clock, set a timer, draw chance or do I/O; in all others those are banned by name.
 * Layer rules (who may import whom) are not here but in .dependency-cruiser.cjs.
 */
import jsdoc from "eslint-plugin-jsdoc";
import ts from "typescript-eslint";

const product = ["shared/**/*.ts", "server/**/*.ts", "receiver/**/*.ts"];
const ownersOfIo = ["**/*.io.ts"];

const later = "Take `now` as an argument; only an *.io.ts file reads a clock.";
const seeded = "Take random bits, or a seeded generator (shared/core), as an argument.";
const outside = "Only *.io.ts files touch the world.";
const sameRun =
  "Same seed, same run: take test/rig/seeded-bytes.ts, or seededRandom (shared/core).";

/** What draws chance; `message` says what to use instead. */
const chanceProperties = (message) =>
  [
    ["Math", "random"],
    ["crypto", "getRandomValues"],
    ["crypto", "randomUUID"],
  ].map(([object, property]) => ({ object, property, message }));
const CHANCE = [
  "getRandomValues",
  "randomBytes",
  "randomFill",
  "randomFillSync",
  "randomInt",
  "randomUUID",
  "webcrypto",
];
const chanceImports = (importNames, message) => ({
  paths: ["node:crypto", "crypto"].map((name) => ({ name, importNames, message })),
});

/** A name is exported by the file that declares it, and by no other. */
const exportsOnce = [
  { selector: "ExportDefaultDeclaration", message: "Export by name: names are searchable." },
  { selector: "ExportAllDeclaration", message: "No barrels: import from the defining file." },
  {
    selector: "ExportNamedDeclaration[declaration=null]",
    message: "Export where it is declared: no second name, no second place.",
  },
];

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
      "no-restricted-syntax": ["error", ...exportsOnce],
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
      // What a comment says of a parameter is true; it need not say the name of each again.
      "jsdoc/check-param-names": ["error", { disableMissingParamChecks: true }],
    },
  },
  {
    files: product,
    ignores: ownersOfIo,
    rules: {
      "no-restricted-properties": [
        "error",
        { object: "Date", property: "now", message: later },
        { object: "performance", property: "now", message: later },
        ...chanceProperties(seeded),
      ],
      "no-restricted-imports": [
        "error",
        chanceImports(
          [...CHANCE, "generateKey", "generateKeySync", "generateKeyPair", "generateKeyPairSync"],
          seeded,
        ),
      ],
      "no-restricted-syntax": [
        "error",
        ...exportsOnce,
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: later },
        {
          selector:
            "CallExpression[callee.object.name='AbortSignal'][callee.property.name='timeout']",
          message: later,
        },
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
          "fetch",
          "crypto",
          "globalThis",
        ].map((name) => ({ name, message: outside })),
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
    // A test is one story told from top to bottom, and the same story each time.
    files: ["test/**/*.ts", "scripts/**/*.ts"],
    rules: {
      "max-lines-per-function": "off",
      "no-restricted-properties": ["error", ...chanceProperties(sameRun)],
      "no-restricted-imports": ["error", chanceImports(CHANCE, sameRun)],
    },
  },
  {
    // The tool that reads its configuration dictates the default export.
    files: ["vitest.config.ts"],
    rules: { "no-restricted-syntax": "off" },
  },
);
