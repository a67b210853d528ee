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
import type { ErrorCase, ErrorRun } from "../rig/error-case.ts";
import { ERROR_CASES, makeErrorFolder, runErrorCase } from "../rig/error-cases.ts";
import { errorFaults } from "../rig/error-faults.ts";
import { ErrorLab } from "../rig/error-lab.ts";

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
const counts = new Map<string, number>();

/** "image restore", "serve", ... */
function verbOf({ command }: ErrorCase): string {
  const words = [...command.matchAll(/huck (?:(?:image|job) )?[a-z-]+/g)].map(([found]) => found);
  return words.at(-1)?.slice("huck ".length) ?? "";
}

/** What it printed; its standard output only if that is where the error is told. */
function said({ exitCode, errors, output }: ErrorRun): string {
  return `${exitCode === 1 || errors === "" ? output : ""}${errors}`.trimEnd();
}

function count(one: ErrorCase, exitCode: number): void {
  const key = `${verbOf(one)}: ${exitCode}`;
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

let lab: ErrorLab | undefined;
try {
  const start = await makeErrorFolder(folder);
  lab = new ErrorLab(folder, start);
  await lab.start();
  for (const one of ERROR_CASES.filter(({ command }) => command.includes(word))) {
    if (one.needsRoot === true && !isRoot) {
      skipped += 1;
      continue;
    }
    const run = await runErrorCase(one, start, one.asks === true ? lab.folder : "");
    count(one, run.exitCode);
    const faults = errorFaults(one, run);
    wrong += faults.length;
    const lines = [`$ ${one.command}`, said(run), `= ${run.exitCode}`];
    process.stdout.write(
      `${[...lines, ...faults.map((what) => `WRONG: ${what}`), ""].join("\n")}\n`,
    );
  }
} finally {
  await lab?.stop();
  rmSync(folder, { recursive: true, force: true });
}
for (const [key, found] of [...counts].sort()) process.stdout.write(`${key}: ${found}\n`);
process.stdout.write(`${ERROR_CASES.length} cases, ${skipped} skipped, ${wrong} wrong\n`);
process.exitCode = wrong === 0 ? 0 : 1;
