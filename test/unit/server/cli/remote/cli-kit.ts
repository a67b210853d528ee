/**
 * Runs the real command line as its own process against a server of the test.
 */
import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

const HUCK = fileURLToPath(new URL("../../../../../huck.ts", import.meta.url));

/** How a command ended. */
export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `huck` to its end. */
export async function huck(
  words: readonly string[],
  env: Record<string, string> = {},
): Promise<Ran> {
  return await new Promise((resolve) => {
    const options = { env: { PATH: process.env["PATH"] ?? "", ...env }, timeout: 60_000 };
    const child = execFile(
      process.execPath,
      [HUCK, ...words],
      options,
      (_error, stdout, stderr) => {
        resolve({ exitCode: child.exitCode ?? -1, stdout, stderr });
      },
    );
  });
}

/** Starts `huck` and leaves it running. */
export function startHuck(words: readonly string[], cwd: string): ChildProcess {
  return spawn(process.execPath, [HUCK, ...words], { cwd, stdio: ["ignore", "pipe", "pipe"] });
}
