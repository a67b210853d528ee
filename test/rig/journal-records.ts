/** The smallest records that a journal keeps, for tests of journals. */
import type { Event } from "../../shared/control/event.ts";
import type { JobRecord, OrderRecord } from "../../server/jobs/journal.ts";

/** The job of a save that runs. */
export function someJob(id: string, createdAt: number): JobRecord {
  const terms = { action: "save", rawIfDirty: false, keepGaps: false, level: 3 } as const;
  const principal = { kind: "local", uid: 0 } as const;
  return { id, image: "x", terms, principal, createdAt, deadlineAt: 1, state: "running" };
}

/** The order of a node that was not heard of yet. */
export function someOrder(id: string, job: string): OrderRecord {
  const start = { state: "waiting", phase: "waiting", armed: 0 } as const;
  const open = { armedBy: null, captured: null, nonce: null, verdict: null };
  return { id, job, node: "n", disk: [{}], leave: "reboot", ...start, ...open };
}

/** An event of kind note. */
export function someEvent(job: string, seq: number): Event {
  return { kind: "note", seq, at: new Date(0).toISOString(), job, level: "info", text: job };
}
