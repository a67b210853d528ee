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

/** Runs `huck` to its end; `before` are words before the program, like those of `env`. */
export async function huck(
  words: readonly string[],
  env: Record<string, string> = {},
  before: readonly string[] = [],
): Promise<Ran> {
  return await new Promise((resolve) => {
    const options = { env: { PATH: process.env["PATH"] ?? "", ...env }, timeout: 60_000 };
    const [program = "", ...rest] = [...before, process.execPath, HUCK, ...words];
    const child = execFile(program, rest, options, (_error, stdout, stderr) => {
      resolve({ exitCode: child.exitCode ?? -1, stdout, stderr });
    });
  });
}

/** Starts `huck` and leaves it running; `before` as for {@link huck}. */
export function startHuck(
  words: readonly string[],
  cwd: string,
  before: readonly string[] = [],
): ChildProcess {
  const [program = "", ...rest] = [...before, process.execPath, HUCK, ...words];
  return spawn(program, rest, { cwd, stdio: ["ignore", "pipe", "pipe"] });
}
