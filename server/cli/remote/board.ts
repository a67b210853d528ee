/**
 * The board: the state of a job, node by node, computed from its events. Pure.
 */
import type { Event } from "../../../shared/control/event.ts";
import { isOk } from "../../../shared/control/verdict.ts";
import type { Phase, Verdict } from "../../../shared/control/verdict.ts";

export interface Row {
  readonly node: string;
  phase: Phase;
  doneBytes: number;
  totalBytes: number;
  /** Unit: bytes per second. */
  bytesPerSecond: number;
  /** Share of datagrams that the network lost, 0 .. 1. */
  loss: number;
  verdict: Verdict | undefined;
}

export interface JobEnd {
  readonly nodesOk: number;
  readonly nodesNotOk: number;
  readonly aborted: boolean;
}

export class Board {
  readonly rows: readonly Row[];
  readonly #byNode: ReadonlyMap<string, Row>;
  /** Number of the last event taken. */
  seq: number;
  /** Undefined until the event of kind `end` was taken. */
  end: JobEnd | undefined;

  /**
   * @param nodes - Names, in the order in which they are shown.
   * @param seq - The number before the job's first event.
   */
  constructor(nodes: readonly string[], seq: number) {
    this.seq = seq;
    this.rows = nodes.map(
      (node): Row => ({
        node,
        phase: "waiting",
        doneBytes: 0,
        totalBytes: 0,
        bytesPerSecond: 0,
        loss: 0,
        verdict: undefined,
      }),
    );
    this.#byNode = new Map(this.rows.map((row) => [row.node, row]));
  }

  /** Takes an event of this job, in order of `seq`. Gives false for one that was taken before. */
  take(event: Event): boolean {
    if (event.seq <= this.seq) return false;
    this.seq = event.seq;
    if (event.kind === "end") {
      const { nodesOk, nodesNotOk, aborted } = event;
      this.end = { nodesOk, nodesNotOk, aborted };
      return true;
    }
    if (event.kind === "begin") return true;
    const row = this.#byNode.get(event.node ?? "");
    if (row !== undefined) change(row, event);
    return true;
  }

  /** How many nodes have a good verdict. */
  get okCount(): number {
    return this.rows.filter(({ verdict }) => verdict !== undefined && isOk(verdict)).length;
  }
}

function change(row: Row, event: Exclude<Event, { kind: "begin" | "end" }>): void {
  switch (event.kind) {
    case "phase":
      if (row.phase === event.phase) break;
      row.phase = event.phase;
      row.doneBytes = row.totalBytes = row.bytesPerSecond = row.loss = 0; // of the phase before
      break;
    case "progress":
      row.doneBytes = event.doneBytes;
      row.totalBytes = event.totalBytes;
      row.bytesPerSecond = event.bytesPerSecond;
      row.loss = event.loss;
      break;
    case "verdict":
      row.verdict = event.verdict;
      row.phase = "done";
      break;
    case "note":
      break;
  }
}
