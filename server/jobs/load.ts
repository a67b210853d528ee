/**
 * The load, step by step.
 *
 * 1. The API finds the image's file and proves its index, and plan.ts checks that the nodes are
 *    known, idle and may be reimaged. Nothing is touched before.
 * 2. `LabState.begin` makes job and orders durable and has every node started.
 * 3. While the nodes boot, every chunk of the image is decoded and proven: {@link imageProven}.
 * 4. A node joins and gets its order, signed for the nonce of this boot: {@link writeLoadOrder}.
 * 5. The node compares its disks with the order, digests what is on them, and asks for the session.
 *    It gets it once the image is proven: {@link refuseUnproven}, sessions.ts.
 * 6. Multicast arrives at the node, and the first chunk is there: it asks to clear the partition
 *    table: {@link decideArm}. An order allows this to at most two boots.
 * 7. The node reports how it goes on. `LabState.pass` ends the wait for one that stays silent.
 * 8. The node gives its verdict; {@link checkLoadVerdict} compares it with what the server saw.
 * 9. The node's wanted state is its own disk again, and the last verdict ends the job:
 *    `LabState.concluded`.
 *
 * The functions here decide; order-machine.ts moves the order. `now` is milliseconds since 1970.
 */
import { chooseDisk } from "../../shared/control/disk-rule.ts";
import { featuresNeeded } from "../../shared/control/feature.ts";
import type { ArmRequest } from "../../shared/control/node-api.ts";
import type { LoadOrder } from "../../shared/control/order.ts";
import { LoadSpec, NodeSpec } from "../../shared/control/spec.ts";
import type { Verdict, VerdictCode } from "../../shared/control/verdict.ts";
import { isOk } from "../../shared/control/verdict.ts";
import { SituationError } from "../../shared/core/errors.ts";
import { ORDER_ARMS_MAX } from "../../shared/control/wanted-state.ts";
import type { Boot } from "./boot.ts";
import type { LoadTerms } from "./journal.ts";
import type { Finding } from "./findings.ts";
import type { LiveOrder } from "./order-machine.ts";
import type { LabState } from "./lab-state.ts";
import type { SessionImage } from "../sessions/sessions.ts";

/**
 * Whether the node of an order may still join the session of an image. One that could not be
 * started does not count, and nobody waits for it: it gets its place if somebody starts it by hand.
 */
export function willJoin({ record, job }: LiveOrder, image: SessionImage): boolean {
  const { terms } = job;
  if (terms.action !== "load" || job.state !== "running" || record.verdict !== null) return false;
  if (record.state === "waiting" && record.enterFault !== undefined) return false;
  if (terms.imageId !== image.id) return false;
  return terms.file === undefined ? job.image === image.name : terms.file === image.file;
}

/**
 * Takes the outcome of the proof of a load's image (step 3). If the image is damaged, this ends the
 * orders of all nodes that have not armed. A node that armed before a restart of the server may
 * already have received the damaged chunk in full; if not, it finds the damage itself.
 *
 * @param fault - What is wrong with the image; undefined if it is whole.
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
  state.proofEnded(jobId); // last: if the journal fails above, the load stays unproven
}

/**
 * Refuses a node's request as long as its image is not proven (steps 5 and 6). The receiver asks
 * again by itself.
 *
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

/** Writes the order for a node that joined (step 4), to be signed by the caller. */
export function writeLoadOrder(order: LiveOrder, terms: LoadTerms, boot: Boot): LoadOrder {
  const { record, job } = order;
  const spec = LoadSpec.parse(terms);
  const nodeSpec = NodeSpec.parse(record);
  return {
    action: "load",
    id: record.id,
    attempt: Math.min(record.armed + 1, ORDER_ARMS_MAX),
    node: record.node,
    macs: [...boot.macs],
    nonce: boot.nonce,
    issuedAt: new Date(boot.now).toISOString(),
    expiresAt: new Date(job.deadlineAt).toISOString(),
    ...nodeSpec,
    image: { id: terms.imageId, name: job.image },
    needs: featuresNeeded({ ...nodeSpec, ...spec }, LoadSpec.parse({})),
    ...spec,
  };
}

/** The answer to a node that asks to arm. */
export type ArmDecision =
  /** `isNew`: this boot has not armed before; count the arm before answering. */
  | { readonly allowed: true; readonly isNew: boolean }
  | { readonly allowed: false; readonly code: VerdictCode; readonly reason: string };

/**
 * Decides whether a node may clear a partition table (step 6). If a boot asks again because it did
 * not get the answer, that is still one arm.
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
 * Compares a node's verdict with what the server saw (step 8).
 *
 * @returns A finding to use instead of the verdict, or undefined if the verdict is plausible.
 */
export function checkLoadVerdict(order: LiveOrder, verdict: Verdict): Finding | undefined {
  const { armedBy, nonce } = order.record;
  if (isOk(verdict) && verdict.incomplete) return doubted("success and an incomplete disk");
  if (verdict.code !== "ok" || (armedBy !== null && armedBy === nonce)) return undefined;
  return doubted("a written disk, but never asked to arm it in this boot");
}

function doubted(what: string): Finding {
  return {
    code: "receiver_fault",
    reason: `the receiver reports ${what}`,
    cure: "Run the same command again; if this repeats, its receiver and this server do not fit.",
  };
}
