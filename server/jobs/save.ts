/**
 * The save, step by step.
 *
 * 1. plan.ts checks, before anything is touched, that the name is free and that the node is known,
 *    idle and may be restarted.
 * 2. `LabState.begin` makes job and order durable and has the node started.
 * 3. The node joins and gets its order, signed for the nonce of this boot: {@link writeSaveOrder}.
 * 4. The node opens its disk read-only and uploads the image as a draft, which is not listed yet:
 *    {@link beginCapture}.
 * 5. When the last byte has arrived, the draft is checked and made durable, and its name becomes
 *    visible: the order is `captured`. If the upload breaks off, nothing of it stays; the node may
 *    try again while its order is open.
 * 6. The node gives its verdict; "ok" without a durable image is not believed: {@link
 *    checkSaveVerdict}. A node that boots again after step 5 has nothing left to do, and its order
 *    ends well.
 *
 * The functions here decide; order-machine.ts moves the order.
 */
import { chooseDisk } from "../../shared/control/disk-rule.ts";
import { featuresNeeded } from "../../shared/control/feature.ts";
import type { SaveOrder } from "../../shared/control/order.ts";
import { NodeSpec, SaveSpec } from "../../shared/control/spec.ts";
import type { Verdict } from "../../shared/control/verdict.ts";
import { isOk } from "../../shared/control/verdict.ts";
import { SituationError } from "../../shared/core/errors.ts";
import type { Boot } from "./boot.ts";
import type { SaveTerms } from "./journal.ts";
import { IMAGE_KEPT, refusalFinding } from "./findings.ts";
import type { Finding } from "./findings.ts";
import type { LiveOrder } from "./order-machine.ts";
import type { LabState } from "./lab-state.ts";

/** Writes the order for a node that joined (step 3), to be signed by the caller. */
export function writeSaveOrder(order: LiveOrder, terms: SaveTerms, boot: Boot): SaveOrder {
  const { record, job } = order;
  const spec = SaveSpec.parse(terms);
  const nodeSpec = NodeSpec.parse(record);
  return {
    action: "save",
    id: record.id,
    attempt: 1,
    node: record.node,
    macs: [...boot.macs],
    nonce: boot.nonce,
    issuedAt: new Date(boot.now).toISOString(),
    expiresAt: new Date(job.deadlineAt).toISOString(),
    ...nodeSpec,
    name: job.image,
    needs: featuresNeeded({ ...nodeSpec, ...spec }, SaveSpec.parse({})),
    ...spec,
  };
}

/** Name of an upload, and the disk that it comes from. */
export interface CaptureBounds {
  readonly name: string;
  /** Size of the disk that is saved, as the node showed it. Unit: bytes. */
  readonly diskBytes: number;
}

/**
 * Decides whether a node may upload its image (step 4).
 *
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
  const choice = chooseDisk(record.disk, disks);
  const sizes = choice.ok ? [choice.disk.sizeBytes] : disks.map((disk) => disk.sizeBytes);
  return { name: job.image, diskBytes: Math.max(0, ...sizes) };
}

/**
 * Compares a node's verdict with what the server has (step 6).
 *
 * @returns A finding to use instead of the verdict, or undefined if the verdict is plausible.
 */
export function checkSaveVerdict(order: LiveOrder, verdict: Verdict): Finding | undefined {
  const { refusal } = order;
  if (isOk(verdict) === (order.record.captured !== null)) {
    if (isOk(verdict) || refusal === undefined || verdict.code === "aborted") return undefined;
    const isKnown = verdict.reason.includes(refusal.reason);
    if (isKnown && verdict.code === "upload_failed") return undefined;
    // A node whose connection broke with the refusal knows only that it broke.
    const said = `the node says ${verdict.code}`;
    return refusalFinding(refusal, isKnown ? said : `${said}: ${verdict.reason}`);
  }
  if (!isOk(verdict)) {
    const said = `the node itself reported ${verdict.code}`;
    return { code: "ok", reason: `${IMAGE_KEPT}; ${said}`, cure: "" };
  }
  const said = "the receiver reports success, but no complete image arrived";
  if (refusal !== undefined) return refusalFinding(refusal, said);
  return {
    code: "upload_failed",
    reason: said,
    cure: "Save the node again.",
  };
}
