/**
 * What a virtual node says on its serial port, as text to search in.
 *
 * The one idea: a test waits for words, never for time. Control sequences that firmware, iPXE and
 * GRUB draw with are taken out, the rest is kept, and each wait goes on where the last match ended,
 * so a marker of an earlier boot is never taken for one of the next.
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
   * Takes what came in.
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
   * @returns The match, which later searches start behind; undefined when it is not there yet.
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
   * Shows the end, for a message.
   *
   * @param lines - How many lines.
   * @returns Text.
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
