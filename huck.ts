#!/usr/bin/env node
/**
 * huck: from its first moment it answers signals; then it loads and runs the verb that was typed.
 */
import { statSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { catchStopSignals } from "./server/cli/signals.io.ts";

catchStopSignals();
cacheCode(import.meta.dirname);
const [, script = "", ...typed] = process.argv;
const { runHuck } = await import("./server/cli/run.io.ts");
await runHuck(script, typed);

/**
 * Keeps compiled code beside the sources, if they are ours. The folder that Node.js would take is
 * in /tmp: whoever makes it first could give us other code to run.
 */
function cacheCode(folder: string): void {
  if (statSync(folder).uid === process.geteuid?.()) {
    enableCompileCache(join(folder, "build/code-cache"));
  }
}
