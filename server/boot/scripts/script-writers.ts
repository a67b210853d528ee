/** The registry of script writers. */
import { ipxeScript } from "./ipxe.ts";
import type { ScriptWriter } from "./script-writer.ts";

/** No two of them may use the same file name. */
export const scriptWriters: readonly ScriptWriter[] = [ipxeScript];
