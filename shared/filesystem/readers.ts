/**
 * The registry of file system readers. A new one is one file and one line here; it brings its own
 * signature, so signatures.ts no longer lists its file system.
 */
import { extReader } from "./ext.ts";
import { fatReader } from "./fat.ts";
import type { FsReader } from "./reader.ts";
import { swapReader } from "./swap.ts";

/** All readers there are. */
export const FS_READERS: readonly FsReader[] = [
  extReader, //
  fatReader,
  swapReader,
];
