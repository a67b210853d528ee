/**
 * Findings: the reason and cure of a verdict that the server reached by itself, because the node
 * could not give one. `now` is milliseconds since 1970.
 */
import type { Verdict, VerdictCode } from "../../shared/control/verdict.ts";
import { ORDER_ARMS_MAX } from "../../shared/control/wanted-state.ts";
import type { JobRecord, OrderRecord } from "./journal.ts";
import type { OrderEvent } from "./order-table.ts";

/** A verdict's code, reason and cure, before it is known what became of the disk. */
export interface Finding {
  readonly code: VerdictCode;
  readonly reason: string;
  readonly cure: string;
}

/** Why the server did not take the image that a node had begun to send. */
export interface Refusal {
  /** One sentence. */
  readonly reason: string;
  /** What the operator can do. */
  readonly cure: string;
}

/** The order that a finding is about, with its job. */
export interface FindingSubject {
  readonly record: OrderRecord;
  readonly job: JobRecord;
  /** How long a node may be silent. Unit: milliseconds. */
  readonly silenceMs: number;
  /** Set if the last upload of the order was refused. */
  readonly refusal?: Refusal | undefined;
}

/**
 * Says in words why an order ended.
 *
 * @param event - The event that ended it; one that carries neither a verdict nor a finding.
 * @param subject - The order as it was before it ended.
 */
export function findingOf(event: OrderEvent, subject: FindingSubject): Finding {
  const ended = endOf(event, subject);
  if (subject.record.captured === null) return ended;
  // Whatever has become of its node since, the save has what it was for.
  return { code: "ok", reason: `${IMAGE_KEPT}; then ${ended.reason}`, cure: "" };
}

function endOf(event: OrderEvent, subject: FindingSubject): Finding {
  const { record } = subject;
  if (event === "deadline") return afterRefusal(lostByDeadline(subject), subject);
  if (event === "removed") {
    return {
      code: "lost",
      reason: `"${record.node}" is no longer in the inventory`,
      cure: "Add it to huck.yaml, send huck serve SIGHUP, then run the same command for it again.",
    };
  }
  if (event === "silence") {
    const started = record.state === "waiting" || record.state === "booting";
    if (record.state === "waiting" && record.enterFault !== undefined) {
      return notStarted(record.enterFault);
    }
    return started ? NEVER_JOINED : afterRefusal(wentSilent(subject), subject);
  }
  return event === "joined" && record.captured !== null ? CAME_BACK : ABORTED;
}

/**
 * Makes a verdict of a finding. The disk counts as touched if any boot of the order has armed.
 *
 * @param subject - The order as it was before it ended.
 */
export function verdictFrom(finding: Finding, subject: FindingSubject, now: number): Verdict {
  const { record } = subject;
  const touched = record.armed > 0;
  return {
    ...finding,
    reason: finding.reason.slice(0, TEXT_MAX),
    phase: record.phase,
    diskUntouched: !touched,
    incomplete: touched,
    bytesWritten: 0,
    at: new Date(now).toISOString(),
  };
}

function wentSilent({ record, silenceMs }: FindingSubject): Finding {
  const spent = record.armed >= ORDER_ARMS_MAX;
  const then = spent ? "its order is spent" : "did not come back";
  return {
    code: "lost",
    reason: `the node fell silent for ${Math.round(silenceMs / 1000)} s and ${then}`,
    cure: "Look at the node's console, power and cable, then run the same command for it again.",
  };
}

/** A save whose image we refused has failed for that reason, whatever else its node did then. */
function afterRefusal(lost: Finding, { job, refusal }: FindingSubject): Finding {
  if (refusal === undefined || job.state === "aborted") return lost;
  return refusalFinding(refusal, lost.reason);
}

/** The finding for an order whose upload was refused, with what else is known, in words. */
export function refusalFinding(refusal: Refusal, then: string): Finding {
  const { reason, cure } = refusal;
  return { code: "upload_failed", reason: `${REFUSAL}: ${reason}; ${then}`, cure };
}

function notStarted(fault: string): Finding {
  return {
    code: "lost",
    reason: `the node could not be started: ${fault}`,
    cure: "Mend that, then run the same command for it again.",
  };
}

function lostByDeadline({ record, job }: FindingSubject): Finding {
  if (job.state === "aborted") {
    return NOT_STOPPED;
  }
  if (record.state === "waiting" && record.enterFault !== undefined) {
    return notStarted(record.enterFault);
  }
  return {
    code: "lost",
    reason: `the deadline of the job passed while the node was ${record.phase}`,
    cure: "Run the same command for this node again; give it more time with --timeout.",
  };
}

/** How the text about a refusal begins. */
export const REFUSAL = "the server refused the image";
const NEVER_JOINED: Finding = {
  code: "lost",
  reason: "the node never joined: it was not started, or did not find the boot services",
  cure: "Check that it is on, boots from the network first, and that `huck status` can reach it.",
};
const NOT_STOPPED: Finding = {
  code: "lost",
  reason: "the node did not stop when asked to",
  cure: "Look at its console, and switch it off if it must not go on.",
};
const ABORTED: Finding = {
  code: "aborted",
  reason: "stopped by the operator",
  cure: "Run the same command again when you are ready.",
};
const CAME_BACK: Finding = { code: "ok", reason: "the node came back", cure: "" };
/** How the text about a save begins whose image is kept. */
export const IMAGE_KEPT = "the image is in the store, complete";
/** Longest text of a verdict. Unit: UTF-16 code units. */
const TEXT_MAX = 1000;
