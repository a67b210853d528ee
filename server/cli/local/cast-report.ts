/**
 * What `huck cast` reports: a line per event, a live line, and the result.
 *
 * The exit code depends only on the events, so the tally that prints them also decides it.
 */
import type { PortCounters } from "../../../shared/core/datagram-port.ts";
import { ExitCode } from "../../../shared/core/errors.ts";
import { countText, secondsText, speedText, sizeText } from "../quantity-text.ts";
import type { TerminalReporter } from "../terminal-reporter.io.ts";
import type { SenderEvent } from "../../../shared/session/sender/contract.ts";
import type { Sender } from "../../../shared/session/sender/engine.ts";
import type { SenderEnd } from "../../../shared/session/sender/sender-loop.io.ts";

/** What is known of a cast at its end. */
export interface FinishedCast {
  /** Of its port. */
  readonly counters: PortCounters;
  /** Of what was cast; undefined if a stream had not ended. */
  readonly sizeBytes: number | undefined;
  /** Id of its session. */
  readonly sid: bigint;
  /** True if the operator stopped it. */
  readonly stopped: boolean;
}

/** Turns events into lines, and counts the receivers that have got everything. */
export class CastTally {
  readonly #reporter: TerminalReporter;
  readonly #now: () => number;
  #started = 0;
  #done = 0;
  #others = 0;
  #joined = 0;

  /** @param now - Gives milliseconds; monotonic. */
  constructor(reporter: TerminalReporter, now: () => number) {
    this.#reporter = reporter;
    this.#now = now;
  }

  /** Takes any event of the engine; the last one is given to {@link CastTally.finish} too. */
  take(event: SenderEvent): void {
    const text = this.#textOf(event);
    if (event.kind === "joined") this.#joined += 1;
    if (event.kind === "started") this.#started = this.#now();
    if (event.kind === "member ended" && event.state === "done") this.#done += 1;
    else if (event.kind === "member ended") this.#others += 1;
    this.#reporter.event(text, { ...event });
  }

  /**
   * Reports the result.
   *
   * @param end - The engine's last event.
   * @param sender - For its totals.
   * @returns `ok` if every receiver that joined has everything; `aborted` if the operator stopped
   *   it; else `someNodeNotRight`.
   */
  finish(end: SenderEnd, sender: Sender, cast: FinishedCast): ExitCode {
    const { counters, sizeBytes, sid, stopped } = cast;
    const tookMs = this.#started === 0 ? 0 : this.#now() - this.#started;
    const { sourceSent, paritySent, repairSent, otherSent } = sender.stats();
    const all = Math.max(this.#done + this.#others, this.#joined);
    const whoOfAll = `${this.#done} of ${countText(all, "receiver")} ${all === 1 ? "has" : "have"}`;
    const size = sizeBytes === undefined ? "" : `${sizeText(sizeBytes)}, `;
    // What is given up has not sent all of it, so it has no such rate.
    const pace =
      end.outcome === "aborted"
        ? `after ${secondsText(tookMs)}`
        : `${size}${speedText(sizeBytes, tookMs)}`;
    this.#reporter.event(
      `cast ${end.outcome}: ${whoOfAll} it all, ${pace}, ` +
        `session ${sid.toString(16)}` +
        (end.reason === "" ? "" : ` (${end.reason})`),
      {
        kind: "result",
        sid: sid.toString(16),
        bytes: sizeBytes ?? null,
        outcome: end.outcome,
        done: this.#done,
        members: all,
        seconds: tookMs / 1000,
        sourceSent,
        paritySent,
        repairSent,
        otherSent,
        refused: counters.refused,
      },
    );
    if (stopped) return ExitCode.aborted;
    const right = end.outcome === "complete" && this.#others === 0 && this.#done > 0;
    return right ? ExitCode.ok : ExitCode.someNodeNotRight;
  }

  #textOf(event: SenderEvent): string | undefined {
    switch (event.kind) {
      case "joined":
        return `receiver ${nodeText(event.node)} joined from ${event.remote.address}`;
      case "started":
        return `started with ${countText(event.members, "receiver")}`;
      case "classed":
        return `receiver ${nodeText(event.node)} is ${event.as}`;
      case "member ended": {
        const because = event.reason === "" ? "" : `: ${event.reason}`;
        return `receiver ${nodeText(event.node)} ${event.state}${because}`;
      }
      case "pass":
        return `pass ${event.pass}`;
      case "rate":
      case "ending":
      case "ended":
        return undefined; // the live line shows rates, and the result line shows the end
    }
  }
}

function nodeText(node: number): string {
  return node.toString(16).padStart(8, "0");
}

/**
 * Writes the live line, at most 80 characters.
 *
 * @param sizeBytes - Of what is cast; undefined while unknown.
 */
export function castProgress(sender: Sender, sizeBytes: number | undefined): string {
  const { phase, pass, chunksSent, chunkCount, bitsPerSecond, members } = sender.stats();
  const done = members.filter((member) => member.state === "done").length;
  const share = chunkCount === undefined ? "" : ` ${Math.floor((100 * chunksSent) / chunkCount)} %`;
  const size = sizeBytes === undefined ? "" : ` of ${sizeText(sizeBytes)}`;
  const rate = `${Math.round(bitsPerSecond / 1e6)} Mbit/s`;
  return `${phase}${share}${size}, pass ${pass}, ${rate}, ${done} of ${members.length} done`;
}
