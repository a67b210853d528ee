/**
 * Goal: every import rule of .dependency-cruiser.cjs fires for a file that breaks it, and
 * only then.
 * Method: a small good tree and one bad file per rule are written to a temporary folder, the real
 * configuration runs over it once, and the violations found are compared with those planted.
 */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../../..");

/** [file, what it imports, rules expected to fire for it]. */
const planted: readonly (readonly [string, string, readonly string[]])[] = [
  ["shared/core/a.ts", "./b.ts", ["no-cycles"]],
  ["shared/linux/end.io.ts", "../../receiver/main.io.ts", ["shared-is-below"]],
  ["shared/core/file.ts", "node:fs", ["io-shows-in-the-name"]],
  ["server/jobs/clock.ts", "node:timers", ["io-shows-in-the-name"]],
  ["receiver/capture.ts", "node:fs/promises", ["io-shows-in-the-name"]],
  ["server/jobs/socket.ts", "../boot/socket.io.ts", ["pure-takes-ports"]],
  ["server/jobs/system.ts", "../../shared/linux/layout.ts", ["linux-is-for-io"]],
  ["shared/image/system.io.ts", "../linux/libc.io.ts", ["linux-is-a-leaf"]],
  ["shared/linux/wired.io.ts", "../wire/header.ts", ["linux-is-a-leaf"]],
  ["receiver/leave/kexec.io.ts", "koffi", ["native-code-has-one-home"]],
  ["server/api/back.io.ts", "../../receiver/main.io.ts", ["ends-meet-in-shared"]],
  ["receiver/link/back.ts", "../../server/config.ts", ["ends-meet-in-shared"]],
  ["server/api/tool.ts", "../../scripts/tool.ts", ["tools-are-leaves"]],
  ["receiver/link/log.ts", "pino", ["few-packages"]],
  ["shared/disk/early.ts", "../filesystem/reader.ts", ["disk-to-image-order"]],
  ["shared/core/early.ts", "../wire/header.ts", ["disk-to-image-order"]],
  ["shared/image/ordered.ts", "../control/order.ts", ["disk-to-image-order"]],
  ["shared/wire/coded.ts", "../fec/scheme.ts", ["codecs-stand-alone"]],
  ["shared/session/imaged.ts", "../image/format.ts", ["sessions-carry-bytes"]],
  ["shared/image/sent.ts", "../session/engine.ts", ["disk-to-image-order"]],
  ["server/power/peek.ts", "../store/library.ts", ["services-stand-alone"]],
  ["server/store/peek.ts", "../jobs/lab.ts", ["server-floors", "services-stand-alone"]],
  ["server/enter/peek.ts", "../jobs/lab.ts", ["server-floors"]],
  ["server/jobs/peek.ts", "../api/routes.ts", ["server-floors"]],
  ["server/jobs/settings.ts", "../config.ts", ["settings-are-handed-in"]],
  ["server/settings.ts", "./jobs/lab.ts", ["settings-are-handed-in"]],
  ["server/cli/remote/peek.ts", "../../config.ts", ["cli-speaks-the-api"]],
  ["server/cli/remote/deep.ts", "../../../shared/image/format.ts", ["cli-speaks-the-api"]],
  ["server/cli/deep.ts", "./remote/verb.ts", ["cli-speaks-the-api"]],
];

/** Imports that must stay allowed: [file, what it imports]. */
const allowed: readonly (readonly [string, string])[] = [
  ["huck.ts", "./server/main.io.ts"],
  ["server/cli/verbs.io.ts", "./remote/verb.ts"],
  ["shared/core/digest.ts", "@napi-rs/blake-hash"],
  ["shared/core/sign.ts", "node:crypto"],
  ["shared/image/codec.ts", "node:zlib"],
  ["shared/control/sign.ts", "zod"],
  ["shared/wire/data.ts", "../core/units.ts"],
  ["shared/linux/datagrams.io.ts", "koffi"],
  ["shared/session/sender/sender-loop.io.ts", "node:worker_threads"],
  ["shared/session/sender/thread.io.ts", "../../linux/libc.io.ts"],
  ["server/jobs/load.ts", "../store/library.ts"],
  ["server/cli/remote/status.ts", "../../../shared/core/errors.ts"],
  ["server/cli/remote/table.ts", "../options.ts"],
  ["server/cli/local/serve.io.ts", "../../main.io.ts"],
  ["server/api/api-listener.io.ts", "fastify"],
  ["receiver/disk/disk-thread-entry.io.ts", "node:worker_threads"],
  ["test/unit/any.test.ts", "../../shared/session/engine.ts"],
];

/** Type imports that must stay allowed, though the same value imports are refused. */
const allowedTypes: readonly (readonly [string, string])[] = [
  ["server/jobs/port.ts", "../boot/socket.io.ts"],
];

/** Files that import nothing, so that the imports above resolve. */
const bare = [
  "receiver/main.io.ts",
  "server/main.io.ts",
  "server/config.ts",
  "server/store/library.ts",
  "server/boot/socket.io.ts",
  "server/jobs/lab.ts",
  "server/api/routes.ts",
  "server/cli/options.ts",
  "server/cli/remote/verb.ts",
  "scripts/tool.ts",
  "shared/core/units.ts",
  "shared/core/errors.ts",
  "shared/control/order.ts",
  "shared/filesystem/reader.ts",
  "shared/wire/header.ts",
  "shared/fec/scheme.ts",
  "shared/image/format.ts",
  "shared/session/engine.ts",
  "shared/linux/libc.io.ts",
  "shared/linux/layout.ts",
];

interface Violation {
  readonly from: string;
  readonly rule: { readonly name: string };
}

let tree = "";
let violations: readonly Violation[] = [];

beforeAll(async () => {
  tree = await mkdtemp(join(tmpdir(), "huck-import-rules-"));
  const files = new Map<string, string>(bare.map((path) => [path, "export const one = 1;\n"]));
  const closesTheCycle = ["shared/core/b.ts", "./a.ts"] as const;
  for (const [path, target] of [...planted, ...allowed, closesTheCycle]) {
    files.set(path, `import * as target from "${target}";\nexport const seen = target;\n`);
  }
  for (const [path, target] of allowedTypes) {
    files.set(path, `import type { one } from "${target}";\nexport type Seen = typeof one;\n`);
  }
  for (const [path, text] of files) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), text);
  }
  for (const name of [".dependency-cruiser.cjs", "tsconfig.json", "package.json"]) {
    await cp(join(root, name), join(tree, name));
  }
  await symlink(join(root, "node_modules"), join(tree, "node_modules"));
  const folders = ["huck.ts", "shared", "server", "receiver", "scripts", "test"];
  const run = await promisify(execFile)(
    join(root, "node_modules/.bin/depcruise"),
    ["--output-type", "json", "--config", ".dependency-cruiser.cjs", ...folders],
    { cwd: tree, maxBuffer: 64 << 20 },
  );
  const report = JSON.parse(run.stdout) as { summary: { violations: Violation[] } };
  violations = report.summary.violations;
}, 60_000);

afterAll(async () => {
  await rm(tree, { recursive: true, force: true });
});

function rulesFor(path: string): readonly string[] {
  return [...new Set(violations.filter((v) => v.from === path).map((v) => v.rule.name))].sort();
}

test.each(planted)("import rules refuse %s -> %s", (path, _target, rules) => {
  expect(rulesFor(path)).toEqual([...rules].sort());
});

test.each([...allowed, ...allowedTypes])("import rules allow %s -> %s", (path) => {
  expect(rulesFor(path)).toEqual([]);
});

test("every rule of the configuration has a planted file", () => {
  const require = createRequire(import.meta.url);
  const config = require(join(root, ".dependency-cruiser.cjs")) as {
    readonly forbidden: readonly { readonly name: string; readonly comment: string }[];
  };
  const names = [...new Set(config.forbidden.map((rule) => rule.name))].sort();
  expect([...new Set(planted.flatMap(([, , rules]) => rules))].sort()).toEqual(names);
  expect(config.forbidden.filter((rule) => rule.comment.length < 20)).toEqual([]);
});
