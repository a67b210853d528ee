/**
 * The load, as an operator would tick it off.
 *
 * 1. The image is whole, the nodes are known, idle and may be reimaged: plan.ts, before anything is
 *    touched.
 * 2. Job and orders are durable; every node is started: `LabState.begin`.
 * 3. While they boot, every stored byte of the image is read and proven: {@link imageProven}.
 * 4. A node joins and gets its order, signed for this boot's nonce: {@link writeLoadOrder}.
 * 5. It compares its disks with the order, digests what is there, and asks for the session, which
 *    it gets when the image is proven: {@link refuseUnproven}, transmission.ts.
 * 6. It has proven that multicast arrives and wants to clear the partition table:
 *    {@link decideArm}, at most twice.
 * 7. It tells how it goes; silence has a bound: `LabState.pass`.
 * 8. It ends with a verdict that must fit what the server saw: {@link doubtLoad}.
 * 9. Its wanted state is its own disk again; the last verdict ends the job:
 *    `LabState.concluded`.
 *
 * The steps here decide; order-machine.ts moves the order.
 */
import { chooseDisk } from "../../shared/control/disk-rule.ts";
import { featuresNeeded } from "../../shared/control/feature.ts";
import type { ArmRequest } from "../../shared/control/node-api.ts";
import type { LoadOrder } from "../../shared/control/order.ts";
import { LoadSpec } from "../../shared/control/spec.ts";
import type { Verdict, VerdictCode } from "../../shared/control/verdict.ts";
import { isOk } from "../../shared/control/verdict.ts";
import { SituationError } from "../../shared/core/errors.ts";
import { ORDER_ARMS_MAX } from "../../shared/control/wanted-state.ts";
import type { LoadTerms } from "./journal.ts";
import type { Finding } from "./findings.ts";
import type { LiveOrder } from "./order-machine.ts";
import type { LabState } from "./state.ts";

/** What makes an order good for one boot only. */
export interface Boot {
  /** What the receiver invented. */
  readonly nonce: string;
  /** All MAC addresses of its node. */
  readonly macs: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * The proof of a load's image has ended (step 3). One that is damaged ends the orders of all nodes
 * that have not armed; a node that has, before a restart of the server, may already hold what is
 * damaged, and finds out by itself otherwise.
 *
 * @param state - All orders.
 * @param jobId - The load.
 * @param fault - What is wrong with the image; undefined when it is whole.
 * @param now - Milliseconds since 1970.
 */
export function imageProven(
  state: LabState,
  jobId: string,
  fault: string | undefined,
  now: number,
): void {
  const job = state.jobs.get(jobId);
  if (job !== undefined && fault !== undefined) {
    const { image } = job.record;
    const cure = `Save the image again, or put a good copy of "${image}" into the store.`;
    const finding: Finding = { code: "image_damaged", reason: fault, cure };
    state.turns.turn(() => {
      for (const order of job.orders) order.happens({ event: "imageDamaged", finding }, now);
    });
  }
  state.proofEnded(jobId); // last: what the journal could not keep leaves the load unproven
}

/**
 * Holds a node back until its image is proven (steps 5 and 6). The receiver asks again by itself.
 *
 * @param state - All orders.
 * @param order - The node's.
 * @param now - Milliseconds since 1970.
 * @throws {@link SituationError} `image_unproven`.
 */
export function refuseUnproven(state: LabState, order: LiveOrder, now: number): void {
  if (!state.isUnproven(order.job.id)) return;
  order.happens({ event: "heldBack" }, now);
  throw new SituationError(
    "image_unproven",
    `Cannot begin: image "${order.job.image}" is still being checked`,
    { cure: "The receiver asks again by itself." },
  );
}

/**
 * Writes the order of a node that joined (step 4).
 *
 * @param order - Without a verdict.
 * @param terms - Of its job.
 * @param boot - This boot.
 * @returns The order, to be signed.
 */
export function writeLoadOrder(order: LiveOrder, terms: LoadTerms, boot: Boot): LoadOrder {
  const { record, job } = order;
  const spec = LoadSpec.parse(terms);
  return {
    action: "load",
    id: record.id,
    attempt: Math.min(record.armed + 1, ORDER_ARMS_MAX),
    node: record.node,
    macs: [...boot.macs],
    nonce: boot.nonce,
    issuedAt: new Date(boot.now).toISOString(),
    expiresAt: new Date(job.deadlineAt).toISOString(),
    disk: [...record.disk],
    leave: record.leave,
    image: { id: terms.imageId, name: job.image },
    needs: featuresNeeded(spec, LoadSpec.parse({})),
    ...spec,
  };
}

/** What is said to a node that asks to arm. */
export type ArmDecision =
  /** `isNew`: this boot has not armed yet, so it is to be counted before the answer. */
  | { readonly allowed: true; readonly isNew: boolean }
  | { readonly allowed: false; readonly code: VerdictCode; readonly reason: string };

/**
 * Decides whether a node may clear a partition table (step 6). A boot that asks again, because the
 * answer was lost on the way, has armed once.
 *
 * @param order - The node's.
 * @param request - Names the disk.
 * @param now - Milliseconds since 1970.
 * @returns Whether it may, or why not.
 */
export function decideArm(order: LiveOrder, request: ArmRequest, now: number): ArmDecision {
  const { record, job } = order;
  if (job.state !== "running" || record.verdict !== null || job.terms.action !== "load") {
    return { allowed: false, code: "aborted", reason: "the job has ended for this node" };
  }
  const choice = chooseDisk(record.disk, [request.disk]);
  if (!choice.ok) return { allowed: false, code: choice.code, reason: choice.reason };
  if (record.armedBy !== null && record.armedBy === record.nonce) {
    return { allowed: true, isNew: false };
  }
  if (record.armed >= ORDER_ARMS_MAX) {
    const reason = `the order has armed ${record.armed} times`;
    return { allowed: false, code: "order_spent", reason };
  }
  if (now > job.deadlineAt) {
    const reason = `the order expired at ${new Date(job.deadlineAt).toISOString()}`;
    return { allowed: false, code: "order_expired", reason };
  }
  return { allowed: true, isNew: true };
}

/**
 * Compares a good verdict with what the server saw (step 8).
 *
 * @param order - The node's.
 * @param verdict - What the node says.
 * @returns A finding that takes its place, or undefined when it fits.
 */
export function doubtLoad(order: LiveOrder, verdict: Verdict): Finding | undefined {
  const { armedBy, nonce } = order.record;
  if (isOk(verdict) && verdict.incomplete) return doubted("success and an incomplete disk");
  if (verdict.code !== "ok" || (armedBy !== null && armedBy === nonce)) return undefined;
  return doubted("a written disk, but never asked to arm it in this boot");
}

function doubted(what: string): Finding {
  return {
    code: "receiver_fault",
    reason: `the receiver reports ${what}`,
    cure: "Load the node again; if this repeats, its receiver and this server do not fit together.",
  };
}
