/**
 * ScriptWriter: turns a boot entry into the script of one boot program.
 */
import type { BootEntry } from "../entry.ts";
import type { Processor } from "../boot-manifest.ts";

/** The script of one boot program. A new one is one file, and one line in script-writers.ts. */
export interface ScriptWriter {
  /** What operators call its scripts: "iPXE script". */
  readonly title: string;
  /** Names under which a node finds its script, by the processor that shall run the kernel. */
  readonly names: Readonly<Record<Processor, string>>;
  /**
   * Writes the script that enters the receiver.
   *
   * @param entry - Its words are checked here: none may become a command.
   * @returns The script. When a file cannot be fetched the node goes on to its disk.
   * @throws {@link FormatError} `bad_value`, `command_line_too_long`.
   */
  readonly receiver: (entry: BootEntry) => string;
  /**
   * Writes the script that goes on to the disk.
   *
   * @param node - The node's name.
   * @returns The script.
   * @throws {@link FormatError} `bad_value`.
   */
  readonly disk: (node: string) => string;
}
