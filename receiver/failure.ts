/**
 * NodeFailure: why a receiver gives up, and how every ending becomes a verdict.
 *
 * A failure has a code, a reason and a cure. It says nothing about the disk: whoever makes the
 * verdict knows whether the gate was closed (then the disk is no longer untouched) and whether it
 * was opened again.
 */
import { FormatError, HuckError, SituationError, messageOf } from "../shared/core/errors.ts";
import { VerdictCode } from "../shared/control/verdict.ts";
import type { Phase, Verdict } from "../shared/control/verdict.ts";

/** An error that ends the receiver's work with its own verdict code. */
export class NodeFailure extends HuckError {
  readonly verdict: VerdictCode;
  /** What the operator can do. */
  readonly cure: string;

  /**
   * @param reason - What was found: one sentence.
   * @param cure - What the operator can do.
   */
  constructor(verdict: VerdictCode, reason: string, cure: string, options?: ErrorOptions) {
    super(verdict, reason, options);
    this.verdict = verdict;
    this.cure = cure;
  }
}

/** What the verdict must say about the disk. */
export interface DiskState {
  /** True from the moment the gate began to close. */
  readonly armed: boolean;
  /** True once the boot gate is open again: the whole image is in place. */
  readonly opened: boolean;
  readonly bytesWritten: number;
}

/**
 * @param thrown - The exception that ended the work.
 * @param phase - The node's phase at that time.
 * @param at - The time, RFC 3339.
 */
export function failedVerdict(thrown: unknown, phase: Phase, disk: DiskState, at: string): Verdict {
  const { code, cure } = classify(thrown);
  const incomplete = disk.armed && !disk.opened;
  const later = incomplete ? " The disk does not boot until it is loaded again." : "";
  return {
    code,
    phase,
    reason: messageOf(thrown).slice(0, 1000),
    cure: `${cure}${later}`.trim().slice(0, 1000),
    diskUntouched: !disk.armed,
    incomplete,
    bytesWritten: disk.bytesWritten,
    at,
  };
}

/** Problem codes of the server, and the verdict codes that they become. */
const SERVER_CODES: Readonly<Record<string, VerdictCode>> = {
  order_over: "aborted",
  no_such_image: "image_unknown",
  image_exists: "upload_failed",
  bad_store: "upload_failed",
  store_full: "upload_failed",
  store_failed: "upload_failed",
  store_unwritable: "upload_failed",
};

function classify(thrown: unknown): { readonly code: VerdictCode; readonly cure: string } {
  if (thrown instanceof NodeFailure) return { code: thrown.verdict, cure: thrown.cure };
  if (thrown instanceof SituationError) {
    const code = VerdictCode.safeParse(SERVER_CODES[thrown.code] ?? thrown.code);
    return { code: code.success ? code.data : "receiver_fault", cure: thrown.cure };
  }
  if (thrown instanceof FormatError) {
    return { code: "receiver_fault", cure: "Server and receiver may be of different versions." };
  }
  return { code: "receiver_fault", cure: "Look at the node's console; report this as a bug." };
}
