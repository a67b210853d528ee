/**
 * The visit: what a contact of a node means, whatever its job is. A node that speaks is waited for
 * anew; order-machine.ts says what follows.
 */
import type { StatusReply, StatusReport, VerdictReport } from "../../shared/control/node-api.ts";
import { type Verdict, isOk } from "../../shared/control/verdict.ts";
import { doubtLoad } from "./load.ts";
import { doubtSave } from "./save.ts";
import type { Finding } from "./findings.ts";
import type { LiveOrder } from "./order-machine.ts";
import type { LabState } from "./state.ts";

/**
 * A node fetched its boot script: it is on its way.
 *
 * @param state - All orders.
 * @param node - Its name.
 * @param now - Milliseconds since 1970.
 */
export function nodeBoots(state: LabState, node: string, now: number): void {
  state.sighted(node, now);
  state.current(node)?.happens({ event: "bootSeen" }, now);
}

/**
 * A node reports.
 *
 * @param state - All orders.
 * @param order - The one it works on.
 * @param report - Phase and progress.
 * @param now - Milliseconds since 1970.
 * @returns Whether it shall stop at the next safe point.
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
  order.happens({ event: "statusSaid", report }, now);
  return { abort: job.state === "aborted" };
}

/**
 * A node gives its verdict. A second one for the same order changes nothing.
 *
 * @param state - All orders.
 * @param order - The one it is about.
 * @param report - The verdict.
 * @param now - Milliseconds since 1970.
 * @returns Nothing to abort.
 * @throws {@link SituationError} `journal_unwritable`: the node gives it again.
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
 * What a boot says of itself, said of the whole order: a boot that did not arm does not know what
 * an earlier one wrote.
 */
function overAllBoots(order: LiveOrder, verdict: Verdict): Verdict {
  if (order.record.armed === 0 || !verdict.diskUntouched) return verdict;
  if (isOk(verdict)) return { ...verdict, diskUntouched: false };
  const cure = `${verdict.cure} The disk does not boot until it is loaded again.`.trim();
  return { ...verdict, cure: cure.slice(0, CURE_MAX), diskUntouched: false, incomplete: true };
}

function doubtOf(order: LiveOrder, verdict: Verdict): Finding | undefined {
  return order.job.terms.action === "load" ? doubtLoad(order, verdict) : doubtSave(order, verdict);
}

/** Longest cure of a verdict. */
const CURE_MAX = 1000;
