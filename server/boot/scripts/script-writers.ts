/** All script writers. */
import { ipxeScript } from "./ipxe.ts";
import type { ScriptWriter } from "./script-writer.ts";

/** All script writers; no two of them use one name. */
export const scriptWriters: readonly ScriptWriter[] = [ipxeScript];
