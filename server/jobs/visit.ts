/**
 * The visit: what happens at each contact of a node, whatever its job is; and what silence means.
 *
 * The one idea: a node that speaks moves its wait forward; `passTime` looks at the waits and ends
 * what nobody may wait for any longer. A silent node whose order may still arm gets some time to
 * come back by itself (a reboot, a pulled cable): it then finishes with what it has on its disk.
 */
import type { StatusReply, StatusReport, VerdictReport } from "../../shared/control/node-api.ts";
import { type Verdict, isOk } from "../../shared/control/verdict.ts";
import { ORDER_ARMS_MAX } from "../../shared/control/wanted-state.ts";
import { doubtLoad } from "./load.ts";
import { doubtSave } from "./save.ts";
import type { Finding, LiveOrder } from "./live-order.ts";
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
  const order = state.current(node);
  if (order === undefined) return;
  state.enterPhase(order, "booting", "", now);
  state.waitFor(order, "join", now);
}

/**
 * A node joined although its job was aborted meanwhile: it does nothing, and that is its verdict.
 *
 * @param state - All orders.
 * @param order - Its order.
 * @param now - Milliseconds since 1970.
 */
export function nodeIsSpared(state: LabState, order: LiveOrder, now: number): void {
  if (order.record.verdict === null) state.find(order, ABORTED, now);
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
  if (record.phase !== report.phase) state.enterPhase(order, report.phase, report.detail, now);
  state.progress(order, report, now);
  state.waitFor(order, "status", now);
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
 */
export function nodeEnds(
  state: LabState,
  order: LiveOrder,
  report: VerdictReport,
  now: number,
): StatusReply {
  state.sighted(order.record.node, now);
  const doubt = doubtOf(order, report.verdict);
  if (doubt === undefined) state.conclude(order, overAllBoots(order, report.verdict), now);
  else state.find(order, doubt, now);
  return { abort: false };
}

/**
 * Aborts a job. Nodes at work stop at their next safe point; the others end here.
 *
 * @param state - All orders.
 * @param id - The job.
 * @param now - Milliseconds since 1970.
 */
export function abortJob(state: LabState, id: string, now: number): void {
  const job = state.jobs.get(id);
  if (job?.record.state !== "running") return;
  state.log.together(() => {
    state.journal.putJob({ ...job.record, state: "aborted" });
  });
  job.record.state = "aborted";
  for (const order of job.orders) {
    if (order.record.verdict !== null) continue;
    if (order.wait.for === "status")
      order.deadlineAt = Math.min(order.deadlineAt, now + ABORT_WITHIN_MS);
    else state.find(order, ABORTED, now);
  }
  state.wantedChanged();
}

/**
 * Ends every wait that is over.
 *
 * @param state - All orders.
 * @param now - Milliseconds since 1970.
 */
export function passTime(state: LabState, now: number): void {
  for (const order of state.open()) {
    if (now >= order.deadlineAt) state.find(order, lostByDeadline(order), now);
    else if (now >= order.wait.until) fallSilent(state, order, now);
  }
}

/**
 * Tells when `passTime` has something to do.
 *
 * @param state - All orders.
 * @returns Milliseconds since 1970; Infinity when nothing is waited for.
 */
export function nextDeadline(state: LabState): number {
  return Math.min(...state.open().map((order) => Math.min(order.wait.until, order.deadlineAt)));
}

function fallSilent(state: LabState, order: LiveOrder, now: number): void {
  const { record, job } = order;
  const seconds = Math.round(state.bounds.silenceMs / 1000);
  const mayReturn =
    job.state === "running" && record.armed < ORDER_ARMS_MAX && state.bounds.returnMs > 0;
  if (order.wait.for === "status" && mayReturn) {
    const until = Math.round(state.bounds.returnMs / 1000);
    state.enterPhase(order, "waiting", `silent for ${seconds} s while ${record.phase}`, now);
    state.note(order, "warning", `fell silent; may come back within ${until} s`, now);
    state.waitFor(order, "return", now);
    return;
  }
  state.find(order, order.wait.for === "join" ? NEVER_JOINED : wentSilent(order, seconds), now);
}

/**
 * What a boot says of itself, said of the whole order: a boot that failed before it armed does not
 * know what an earlier one left behind.
 */
function overAllBoots(order: LiveOrder, verdict: Verdict): Verdict {
  const begun = order.job.terms.action === "load" && order.record.armed > 0;
  if (!begun || isOk(verdict) || !verdict.diskUntouched) return verdict;
  const cure = `${verdict.cure} The disk does not boot until it is loaded again.`.trim();
  return { ...verdict, cure: cure.slice(0, CURE_MAX), diskUntouched: false, incomplete: true };
}

function doubtOf(order: LiveOrder, verdict: Verdict): Finding | undefined {
  return order.job.terms.action === "load" ? doubtLoad(order, verdict) : doubtSave(order, verdict);
}

function wentSilent(order: LiveOrder, seconds: number): Finding {
  const spent = order.record.armed >= ORDER_ARMS_MAX;
  const then = spent ? "its order is spent" : "did not come back";
  return {
    code: "lost",
    reason: `the node fell silent for ${seconds} s and ${then}`,
    cure: "Look at the node's console, power and cable, then run the same command for it again.",
  };
}

function lostByDeadline(order: LiveOrder): Finding {
  if (order.job.state === "aborted") {
    return { code: "lost", reason: "the node did not stop when asked to", cure: NEVER_JOINED.cure };
  }
  return {
    code: "lost",
    reason: `the deadline of the job passed while the node was ${order.record.phase}`,
    cure: "Run the same command for this node again; give it more time with --timeout.",
  };
}

const NEVER_JOINED: Finding = {
  code: "lost",
  reason: "the node never joined: it was not started, or did not find the boot services",
  cure: "Check that it is on, boots from the network first, and that `huck status` can reach it.",
};
const ABORTED: Finding = { code: "aborted", reason: "stopped by the operator", cure: "" };
/** Longest cure of a verdict. */
const CURE_MAX = 1000;
/** A safe point is at most one flush of the slowest disk away. */
const ABORT_WITHIN_MS = 120_000;
