#!/usr/bin/env node
/**
 * huck: from its first moment it answers signals; then it loads and runs the verb that was typed.
 */
import { enableCompileCache } from "node:module";
import { catchStopSignals } from "./server/cli/signals.io.ts";

catchStopSignals();
enableCompileCache();
const [, script = "", ...typed] = process.argv;
const { runHuck } = await import("./server/cli/run.io.ts");
await runHuck(script, typed);
