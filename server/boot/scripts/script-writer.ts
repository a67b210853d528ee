/**
 * ScriptWriter: turns a boot entry into the script of one boot program.
 */
import type { BootEntry } from "../entry.ts";
import type { Processor } from "../boot-manifest.ts";

/** Writes for one boot program. A new one is one file, and one line in script-writers.ts. */
export interface ScriptWriter {
  /** What operators call its scripts, like "iPXE script". */
  readonly title: string;
  /** The file names under which a node fetches its script, by the processor of the kernel. */
  readonly names: Readonly<Record<Processor, string>>;
  /**
   * Writes the script that enters the receiver. If a file cannot be fetched, the node goes on to
   * its disk. The words of the entry are checked here: none may become a command.
   *
   * @throws {@link FormatError} `bad_value`, `command_line_too_long`.
   */
  readonly receiver: (entry: BootEntry) => string;
  /**
   * Writes the script that goes on to the disk of a node, which is given by name.
   *
   * @throws {@link FormatError} `bad_value`.
   */
  readonly disk: (node: string) => string;
}
