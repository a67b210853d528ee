/**
 * A disk without room, for files that this process writes.
 *
 * The limit of a file's size is set to nothing, so every write is refused by the kernel; other
 * processes are not concerned. Node.js ignores the signal that comes with the refusal.
 */
import { execFileSync } from "node:child_process";

/** Refuses every write to a file until {@link freeDisk} is called. */
export function fillDisk(): void {
  limitFiles("0");
}

/** Allows files of any size again. */
export function freeDisk(): void {
  limitFiles("unlimited");
}

/** The words that go before a command to run it with a full disk. */
export const ON_FULL_DISK: readonly string[] = ["prlimit", "--fsize=0:"];

function limitFiles(soft: string): void {
  execFileSync("prlimit", ["--pid", String(process.pid), `--fsize=${soft}:`]);
}
