/**
 * Visits: what it means that a node contacts us, whatever its job is. Each contact starts the wait
 * for the node anew; order-machine.ts does the rest. `now` is always milliseconds since 1970.
 */
import type { StatusReply, StatusReport, VerdictReport } from "../../shared/control/node-api.ts";
import { type Verdict, isOk } from "../../shared/control/verdict.ts";
import { codeOf } from "../../shared/core/errors.ts";
import { checkLoadVerdict } from "./load.ts";
import { checkSaveVerdict } from "./save.ts";
import type { Finding } from "./findings.ts";
import type { LiveOrder } from "./order-machine.ts";
import type { LabState } from "./lab-state.ts";

/** Notes that a node fetched its boot script, so it is on its way. */
export function nodeBoots(state: LabState, node: string, now: number): void {
  state.sighted(node, now);
  state.current(node)?.happens({ event: "bootSeen" }, now);
}

/**
 * Takes a node's report.
 *
 * @returns Whether the node shall stop at its next safe point.
 */
export function nodeReports(
  state: LabState,
  order: LiveOrder,
  report: StatusReport,
  now: number,
): StatusReply {
  const { record, job } = order;
  state.sighted(record.node, now);
  if (record.verdict !== null) {
    const { code, diskUntouched } = record.verdict;
    return { abort: code === "aborted" || diskUntouched };
  }
  const abort = job.state === "aborted";
  try {
    order.happens({ event: "statusSaid", report }, now);
  } catch (thrown) {
    // A node must hear that it shall stop also while the journal cannot write.
    if (!abort || codeOf(thrown) !== "journal_unwritable") throw thrown;
  }
  return { abort };
}

/**
 * Takes a node's verdict. A second one for the same order changes nothing.
 *
 * @returns Never asks the node to stop.
 * @throws {@link SituationError} `journal_unwritable`; the node then sends its verdict again.
 */
export function nodeEnds(
  state: LabState,
  order: LiveOrder,
  report: VerdictReport,
  now: number,
): StatusReply {
  state.sighted(order.record.node, now);
  const verdict = doubtOf(order, report.verdict) ?? overAllBoots(order, report.verdict);
  order.happens({ event: "verdictSaid", verdict }, now);
  return { abort: false };
}

/**
 * Turns a verdict about this boot into one about the whole order: a boot that did not arm does not
 * know what an earlier one wrote to the disk.
 */
function overAllBoots(order: LiveOrder, verdict: Verdict): Verdict {
  if (order.record.armed === 0 || !verdict.diskUntouched) return verdict;
  if (isOk(verdict)) return { ...verdict, diskUntouched: false };
  const cure = `${verdict.cure} The disk does not boot until it is loaded again.`.trim();
  return { ...verdict, cure: cure.slice(0, CURE_MAX), diskUntouched: false, incomplete: true };
}

function doubtOf(order: LiveOrder, verdict: Verdict): Finding | undefined {
  return order.job.terms.action === "load"
    ? checkLoadVerdict(order, verdict)
    : checkSaveVerdict(order, verdict);
}

/** Longest cure of a verdict. Unit: UTF-16 code units. */
const CURE_MAX = 1000;
