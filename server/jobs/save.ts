/**
 * The save, as an operator would tick it off.
 *
 * 1. The name is free, the node is known, idle and may be restarted: plan.ts, before anything is
 *    touched.
 * 2. Job and order are durable; the node is started: `LabState.begin`.
 * 3. The node joins and gets its order, signed for this boot's nonce: {@link writeSaveOrder}.
 * 4. It opens its disk read-only and streams the image; the draft is invisible: {@link
 *    beginCapture}.
 * 5. The last byte is there, the draft is checked and durable, the name becomes visible: the
 *    order is `captured`.
 *    A torn stream leaves nothing behind; the node may try again while its order lives.
 * 6. It ends with a verdict; "ok" without a durable image is not believed: {@link doubtSave}. A
 *    node that boots again after step 5 has nothing left to do, and its order ends well.
 *
 * The steps here decide; order-machine.ts moves the order.
 */
import { featuresNeeded } from "../../shared/control/feature.ts";
import type { SaveOrder } from "../../shared/control/order.ts";
import { SaveSpec } from "../../shared/control/spec.ts";
import type { Verdict } from "../../shared/control/verdict.ts";
import { isOk } from "../../shared/control/verdict.ts";
import { SituationError } from "../../shared/core/errors.ts";
import type { SaveTerms } from "./journal.ts";
import type { Boot } from "./load.ts";
import type { Finding } from "./findings.ts";
import type { LiveOrder } from "./order-machine.ts";
import type { LabState } from "./state.ts";

/**
 * Writes the order of a node that joined (step 3).
 *
 * @param order - Without a verdict.
 * @param terms - Of its job.
 * @param boot - This boot.
 * @returns The order, to be signed.
 */
export function writeSaveOrder(order: LiveOrder, terms: SaveTerms, boot: Boot): SaveOrder {
  const { record, job } = order;
  const spec = SaveSpec.parse(terms);
  return {
    action: "save",
    id: record.id,
    attempt: 1,
    node: record.node,
    macs: [...boot.macs],
    nonce: boot.nonce,
    issuedAt: new Date(boot.now).toISOString(),
    expiresAt: new Date(job.deadlineAt).toISOString(),
    disk: [...record.disk],
    leave: record.leave,
    name: job.image,
    needs: featuresNeeded(spec, SaveSpec.parse({})),
    ...spec,
  };
}

/** What an upload may be. */
export interface CaptureBounds {
  /** Name of the image to draft. */
  readonly name: string;
  /** An image file of more bytes cannot come from this node's disks. */
  readonly bytesMax: number;
}

/**
 * Lets a node's image in (step 4).
 *
 * @param state - All orders.
 * @param order - The node's.
 * @returns Name and bound.
 * @throws {@link SituationError} `no_capture_wanted`.
 */
export function beginCapture(state: LabState, order: LiveOrder): CaptureBounds {
  const { record, job } = order;
  const wanted =
    job.terms.action === "save" &&
    job.state === "running" &&
    record.verdict === null &&
    record.captured === null;
  if (!wanted) {
    throw new SituationError(
      "no_capture_wanted",
      `Cannot take an image from node "${record.node}": its order does not ask for one now`,
      { cure: "Begin a save with image-save; a finished one is not repeated." },
    );
  }
  const disks = state.sights.get(record.node)?.disks ?? [];
  const diskBytes = disks.reduce((sum, disk) => sum + disk.sizeBytes, 0);
  return { name: job.image, bytesMax: Math.ceil(diskBytes * FILE_SHARE_MAX) + FILE_EXTRA_BYTES };
}

/**
 * Compares a good verdict with what the server holds (step 6).
 *
 * @param order - The node's.
 * @param verdict - What the node says.
 * @returns A finding that takes its place, or undefined when it fits.
 */
export function doubtSave(order: LiveOrder, verdict: Verdict): Finding | undefined {
  if (!isOk(verdict) || order.record.captured !== null) return undefined;
  return {
    code: "upload_failed",
    reason: "the receiver reports success, but no complete image arrived",
    cure: "Save the node again.",
  };
}

/**
 * Content that does not compress is stored as it is; records, table and digests add less than this
 * share.
 */
const FILE_SHARE_MAX = 1.05;
/** Tables and manifest of the smallest disk. */
const FILE_EXTRA_BYTES = 64 << 20;
