/** Runs a campaign over disks: one line per disk, then the counts. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasTool } from "./disk-tools.ts";
import type { TableCase } from "./partition-tables.ts";
import { tryTable } from "./table-trial.ts";

/**
 * Tries the cases whose name contains the first argument of the command line. The exit code is 1 if
 * any disk came back different.
 */
export async function runDisks(cases: readonly TableCase[]): Promise<void> {
  const [word = ""] = process.argv.slice(2);
  const folder = mkdtempSync(join(tmpdir(), "huck-campaign-"));
  const counts = { right: 0, wrong: 0, "left out": 0 };
  try {
    for (const one of cases.filter(({ name }) => name.includes(word))) {
      const { result, text } = await tried(one, folder);
      counts[result] += 1;
      console.log(`${result.padEnd(8)}  ${one.name}: ${text}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const texts = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  console.log(texts.join(", "));
  process.exitCode = counts.wrong === 0 ? 0 : 1;
}

interface Tried {
  readonly result: "right" | "wrong" | "left out";
  readonly text: string;
}

async function tried(one: TableCase, folder: string): Promise<Tried> {
  if (one.tool !== undefined && !hasTool(one.tool)) {
    return { result: "left out", text: `${one.tool} is not installed` };
  }
  try {
    const { text, larger } = await tryTable(one, folder);
    return { result: "right", text: `${text}; larger target: ${larger}` };
  } catch (error) {
    return { result: "wrong", text: error instanceof Error ? error.message : String(error) };
  }
}
