/**
 * Reporter: tells the server the node's phase and progress, and learns from the replies whether to
 * stop.
 *
 * A change of phase is reported at once, progress about every second. One report is under way at a
 * time, and one that fails is not repeated, because the next has newer figures. The rate is
 * averaged over the reports of the last seconds.
 */
import { PHASE_SENTENCES } from "../../shared/control/verdict.ts";
import type { Phase } from "../../shared/control/verdict.ts";
import type { StatusReport } from "../../shared/control/node-api.ts";
import type { ServerLink } from "./server-link.ts";

/** Time between reports while the phase does not change. Unit: milliseconds. */
export const REPORT_EVERY_MS = 1000;
/** The rate is an average over this time. Unit: milliseconds. */
const RATE_WINDOW_MS = 5000;

/** The node's phase and progress, for the console. */
export interface NodeProgress {
  readonly phase: Phase;
  readonly detail: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly bytesPerSecond: number;
}

export interface ReporterOptions {
  readonly link: Pick<ServerLink, "status">;
  /** Id of the order; null before there is one. */
  readonly order: string | null;
  /** Monotonic clock. Unit: milliseconds. */
  now(): number;
  /** Called at every change of phase. */
  show(standing: NodeProgress): void;
}

/** Reports the node's state to the server. */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #marks: { readonly at: number; readonly bytes: number }[] = [];
  #phase: Phase = "joining";
  #detail = "";
  #doneBytes = 0;
  #totalBytes = 0;
  #loss = 0;
  #busy = false;
  #sentAt = -Infinity;
  #stop: string | undefined;
  readonly #stoppers: ((reason: string) => void)[] = [];

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** @returns Why the work shall stop, once the server or the process has asked for it. */
  get stopReason(): string | undefined {
    return this.#stop;
  }

  /** Asks the work to stop at the next safe point. */
  stop(reason: string): void {
    if (this.#stop !== undefined) return;
    this.#stop = reason;
    for (const stopper of this.#stoppers) stopper(reason);
  }

  /**
   * Registers how to break off long work: an abort must be heeded within two minutes, and a scan or
   * a reception may take an hour.
   *
   * @param stopper - Called once; at once if the work has been asked to stop already.
   */
  onStop(stopper: (reason: string) => void): void {
    if (this.#stop === undefined) this.#stoppers.push(stopper);
    else stopper(this.#stop);
  }

  /**
   * Enters a phase; its progress starts at zero.
   *
   * @param detail - One more sentence; may be empty.
   */
  enter(phase: Phase, detail = ""): void {
    this.#phase = phase;
    this.#detail = detail;
    this.#doneBytes = 0;
    this.#totalBytes = 0;
    this.#marks.length = 0;
    this.#options.show(this.standing());
    void this.#send();
  }

  /**
   * Notes progress, and reports it if the last report is old enough.
   *
   * @param doneBytes - So far in this phase.
   * @param totalBytes - Of the whole phase.
   * @param loss - Share of datagrams that the network lost, 0 .. 1.
   */
  progress(doneBytes: number, totalBytes: number, loss = 0): void {
    this.#doneBytes = doneBytes;
    this.#totalBytes = totalBytes;
    this.#loss = Math.min(1, Math.max(0, loss));
    this.beat();
  }

  /** Reports if the last report is old enough; to be called repeatedly in every long phase. */
  beat(): void {
    if (this.#options.now() - this.#sentAt >= REPORT_EVERY_MS) void this.#send();
  }

  standing(): NodeProgress {
    const now = this.#options.now();
    this.#marks.push({ at: now, bytes: this.#doneBytes });
    while ((this.#marks[0]?.at ?? now) < now - RATE_WINDOW_MS) this.#marks.shift();
    const [first] = this.#marks;
    const elapsedMs = now - (first?.at ?? now);
    const gained = this.#doneBytes - (first?.bytes ?? 0);
    return {
      phase: this.#phase,
      detail: this.#detail === "" ? PHASE_SENTENCES[this.#phase] : this.#detail,
      doneBytes: this.#doneBytes,
      totalBytes: this.#totalBytes,
      bytesPerSecond: elapsedMs > 0 ? Math.round((Math.max(0, gained) * 1000) / elapsedMs) : 0,
    };
  }

  async #send(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    this.#sentAt = this.#options.now();
    const phase = this.#phase;
    try {
      const report: StatusReport = {
        ...this.standing(),
        detail: this.#detail, // the server knows the sentence of the phase itself
        order: this.#options.order,
        loss: this.#loss,
      };
      const reply = await this.#options.link.status(report);
      if (reply.abort) this.stop("the server asked this node to stop");
    } catch {
      // not repeated: the next report has newer figures, and the work itself notices a server that
      // is gone
    } finally {
      this.#busy = false;
    }
    if (phase !== this.#phase) void this.#send();
  }
}
