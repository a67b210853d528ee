/**
 * A virtual node in a test: the test switches it on and off, and waits for what it prints.
 *
 * No test sleeps. Each wait has the name of its phase and the time that the phase takes on an idle
 * computer. It gives up after many times that, because a computer that is itself virtual may stand
 * still for a while, or when the node's power goes off, and then shows the end of the serial port.
 * The times of all phases are kept for the table of the run.
 */
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, readSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { codeOf } from "../../../shared/core/errors.ts";
import type { VmDescription } from "./command-line.ts";
import { describeVm, isOn, pressPowerButton, switchOff, switchOn, vmFiles } from "./process.ts";
import { SerialText } from "./serial.ts";

/**
 * How much longer than on an idle computer a phase may take, for each runnable thread per core. A
 * bound against hanging: a test that passes never waits for it.
 */
const PATIENCE = 10;
/** Between two looks at the serial port. Unit: milliseconds. */
const LOOK_EVERY_MS = 50;
/** Between two presses of the power button. Unit: milliseconds. */
const PRESS_EVERY_MS = 5000;
/** An error shows so many lines of the serial port. */
const TAIL_LINES = 25;

/** A phase that was waited for. */
export interface PhaseTime {
  readonly node: string;
  readonly phase: string;
  readonly seconds: number;
}

/** One virtual node. */
export class Vm {
  readonly name: string;
  /** Its folder: vm.json, serial.log, qemu.log. */
  readonly folder: string;
  readonly #serial = new SerialText();
  readonly #times: PhaseTime[];
  #read = 0;
  #since = performance.now();

  /**
   * @param name - Of the node.
   * @param folder - For its files; made here.
   * @param vm - What it is made of.
   * @param times - Where phases are noted.
   */
  constructor(name: string, folder: string, vm: VmDescription, times: PhaseTime[]) {
    this.name = name;
    this.folder = folder;
    this.#times = times;
    mkdirSync(folder, { recursive: true });
    describeVm(folder, vm);
  }

  /** Changes what it is made of, from the next time it is switched on. */
  describe(vm: VmDescription): void {
    describeVm(this.folder, vm);
  }

  /** @returns Whether QEMU runs. */
  get isOn(): boolean {
    return isOn(this.folder);
  }

  /** Switches it on; waits ignore what it said before. */
  on(): void {
    this.forget();
    switchOn(this.folder);
  }

  /** Cuts its power. */
  off(): void {
    switchOff(this.folder);
  }

  /** Waits see only what it says from now on, and the time of the next phase starts here. */
  forget(): void {
    this.#look();
    this.#serial.skip();
    this.#since = performance.now();
  }

  /**
   * Waits for words on the serial port, behind the last ones that were waited for.
   *
   * @param phase - What the time until then is called.
   * @param wanted - The words.
   * @param usualSeconds - What it takes on an idle computer; it may take four times as long.
   * @returns The match.
   * @throws Error if they do not come, or if QEMU ends before.
   */
  async until(phase: string, wanted: RegExp, usualSeconds: number): Promise<RegExpExecArray> {
    const begun = performance.now();
    for (;;) {
      const running = this.isOn;
      this.#look();
      const found = this.#serial.find(wanted);
      if (found !== undefined) {
        this.#note(phase);
        return found;
      }
      const late = performance.now() - begun > patienceMs(usualSeconds);
      if (late || !running) throw this.#missed(phase, wanted, late);
      await pause(LOOK_EVERY_MS);
    }
  }

  /**
   * Makes sure that words do not come for a while.
   *
   * @param words - Words that would be wrong.
   * @param seconds - How long to watch.
   * @returns The match if they came after all.
   */
  async never(words: RegExp, seconds: number): Promise<RegExpExecArray | undefined> {
    const deadline = performance.now() + seconds * 1000;
    while (performance.now() < deadline) {
      this.#look();
      const found = this.#serial.find(words);
      if (found !== undefined) return found;
      await pause(LOOK_EVERY_MS);
    }
    return undefined;
  }

  /**
   * Presses the power button until the system has switched itself off: the driver that hears it may
   * be loaded long after the system is up.
   *
   * @param usualSeconds - As for {@link until}.
   */
  async shutDown(usualSeconds: number): Promise<void> {
    const begun = performance.now();
    let pressed = -Infinity;
    while (this.isOn) {
      const now = performance.now();
      if (now - begun > patienceMs(usualSeconds)) throw this.#missed("shut down", /off/, true);
      if (now - pressed > PRESS_EVERY_MS) {
        await pressPowerButton(this.folder);
        pressed = now;
      }
      await pause(LOOK_EVERY_MS);
    }
    this.#note("shut down");
  }

  /** @returns The last lines of the serial port and of QEMU itself. */
  tail(): string {
    this.#look();
    return `${this.#serial.tail(TAIL_LINES)}\n${readIfThere(join(this.folder, "qemu.log"))}`;
  }

  #missed(phase: string, wanted: RegExp, late: boolean): Error {
    const seconds = Math.round((performance.now() - this.#since) / 1000);
    const why = late ? `nothing in ${seconds} s` : "QEMU ended";
    this.#look();
    const missed = `${this.name}: ${phase}: ${why}, ${String(wanted)} wanted`;
    return new Error(`${missed} after "${this.#serial.tail(1)}"\n${this.tail()}`);
  }

  #note(phase: string): void {
    const now = performance.now();
    this.#times.push({ node: this.name, phase, seconds: (now - this.#since) / 1000 });
    this.#since = now;
  }

  #look(): void {
    const { serial } = vmFiles(this.folder);
    let file: number;
    try {
      file = openSync(serial, "r");
    } catch (thrown) {
      if (codeOf(thrown) === "ENOENT") return; // not switched on yet
      throw thrown;
    }
    try {
      const bytes = Buffer.alloc(Math.max(0, fstatSync(file).size - this.#read));
      const count = readSync(file, bytes, 0, bytes.length, this.#read);
      this.#read += count;
      this.#serial.append(bytes.subarray(0, count));
    } finally {
      closeSync(file);
    }
  }
}

/**
 * Writes the phases as a table.
 *
 * @param times - In the order they ended.
 * @returns Lines of text: node, phase, seconds.
 */
export function phaseTable(times: readonly PhaseTime[]): string {
  return times
    .map(({ node, phase, seconds }) => {
      return `${node.padEnd(12)} ${phase.padEnd(34)} ${seconds.toFixed(1).padStart(7)} s\n`;
    })
    .join("");
}

/**
 * A virtual node that runs beside other work gets a share of the cores and takes longer
 * accordingly.
 */
function patienceMs(usualSeconds: number): number {
  const [runnable = 1] = loadavg();
  return usualSeconds * 1000 * PATIENCE * Math.max(1, runnable / availableParallelism());
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // a message without it is better than none
  }
}
