/** An order while it is in memory: its record, and what only this run of the server knows of it. */
import type { VerdictCode } from "../../shared/control/verdict.ts";
import type { JobRecord, OrderRecord } from "./journal.ts";

/** What is waited for, and until when (milliseconds since 1970). */
export interface Wait {
  readonly for: "join" | "status" | "return";
  readonly until: number;
}

/** An order in memory. */
export interface LiveOrder {
  readonly record: OrderRecord;
  readonly job: JobRecord;
  wait: Wait;
  /** Its node has its verdict by then: the job's deadline, or sooner after an abort. */
  deadlineAt: number;
  /** When the last progress event was made. */
  progressAt: number;
  /** The operator was told that the node waits for the proof of its image. */
  heldTold: boolean;
}

/** Where a verdict was found when the node did not give it itself. */
export interface Finding {
  readonly code: VerdictCode;
  readonly reason: string;
  readonly cure: string;
}
