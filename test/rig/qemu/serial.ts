/**
 * What a virtual node prints on its serial port, as text to search in.
 *
 * A test waits for words, never for a time. Control sequences, with which firmware, iPXE and GRUB
 * draw, are removed. Each search goes on where the last match ended, so a marker of an earlier boot
 * is never taken for one of a later boot.
 */

/** Characters kept: some 40 boots. */
const KEPT_MAX = 1 << 20;
/** Longest unfinished control sequence that is held back. */
const SEQUENCE_MAX = 32;

/** The text of one serial port. */
export class SerialText {
  #text = "";
  #held = "";
  #from = 0;

  /**
   * Adds what came in.
   *
   * @param bytes - The next bytes; sequences may be cut anywhere.
   */
  append(bytes: Uint8Array): void {
    const all = this.#held + Buffer.from(bytes).toString("latin1");
    const cut = all.lastIndexOf("\u001b");
    const open = cut !== -1 && all.length - cut < SEQUENCE_MAX && !isComplete(all.slice(cut));
    this.#held = open ? all.slice(cut) : "";
    this.#text += plain(open ? all.slice(0, cut) : all);
    const surplus = this.#text.length - KEPT_MAX;
    if (surplus <= 0) return;
    this.#text = this.#text.slice(surplus);
    this.#from = Math.max(0, this.#from - surplus);
  }

  /**
   * Looks for words after the last match.
   *
   * @param wanted - Pattern, without the flags g and y.
   * @returns The match, behind which later searches start; undefined if it is not there yet.
   */
  find(wanted: RegExp): RegExpExecArray | undefined {
    const found = wanted.exec(this.#text.slice(this.#from));
    if (found === null) return undefined;
    this.#from += found.index + found[0].length;
    return found;
  }

  /** Lets later searches start behind all that came in so far. */
  skip(): void {
    this.#from = this.#text.length;
  }

  /**
   * Gives the last lines, for a message.
   *
   * @param lines - How many lines.
   */
  tail(lines: number): string {
    return this.#text.trimEnd().split("\n").slice(-lines).join("\n");
  }
}

/** ECMA-48: CSI sequences end with a byte of 0x40 to 0x7e, others have two bytes. */
const SEQUENCE = /^\u001b(\[[0-?]*[ -/]*[@-~]|[^[])/;
const SEQUENCES = /\u001b(\[[0-?]*[ -/]*[@-~]|[^[])/g;

function isComplete(sequence: string): boolean {
  return SEQUENCE.test(sequence);
}

function plain(text: string): string {
  return text.replace(SEQUENCES, "").replaceAll("\r", "");
}
