/**
 * The transcript of every error of every verb: command, message, cure, exit code. Exits 1 if one
 * has no message and cure, shows a stack trace, or another exit code than is true.
 *
 *     node test/campaigns/errors.ts [WORD]     only cases with the word in their command
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { ERROR_CASES, makeErrorFolder, runErrorCase } from "../rig/error-cases.ts";
import { errorFaults } from "../rig/error-faults.ts";

const word = process.argv[2] ?? "";
const isRoot = process.getuid?.() === 0;
if (isRoot && process.env["HUCK_OWN_MOUNTS"] === undefined) {
  // What the cases mount ends with this process.
  const again = [process.execPath, import.meta.filename, word];
  const env = { ...process.env, HUCK_OWN_MOUNTS: "1" };
  const { status } = spawnSync("unshare", ["--mount", ...again], { stdio: "inherit", env });
  process.exit(status ?? 1);
}
const folder = mkdtempSync(join(tmpdir(), "huck-errors-"));
let wrong = 0;
let skipped = 0;
try {
  const start = await makeErrorFolder(folder);
  for (const one of ERROR_CASES.filter(({ command }) => command.includes(word))) {
    if (one.needsRoot === true && !isRoot) {
      skipped += 1;
      continue;
    }
    const run = await runErrorCase(one, start);
    const faults = errorFaults(one, run);
    wrong += faults.length;
    const lines = [`$ ${one.command}`, run.errors.trimEnd(), `= ${run.exitCode}`];
    process.stdout.write(
      `${[...lines, ...faults.map((what) => `WRONG: ${what}`), ""].join("\n")}\n`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(`${ERROR_CASES.length} cases, ${skipped} skipped, ${wrong} wrong\n`);
process.exitCode = wrong === 0 ? 0 : 1;
