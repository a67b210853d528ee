/**
 * The messages between the disk thread and its owner: numbered calls, answers, progress, pieces of
 * an image.
 */
import type { DiskDescription } from "../../shared/control/disk-rule.ts";
import type { Order } from "../../shared/control/order.ts";
import type { ImageFacts, ScanResult } from "./disk-work.ts";

/** A call of a DiskWork method, by name. */
export type DiskCall =
  | {
      readonly call: "open";
      readonly order: Order;
      readonly disk: DiskDescription;
      readonly access: "read" | "write";
    }
  | { readonly call: "useImage"; readonly tail: Uint8Array }
  | { readonly call: "scan" }
  | { readonly call: "chunkToCheck" }
  | { readonly call: "closeGate" }
  /** The record lies in memory that both threads share, or was copied. */
  | { readonly call: "deliver"; readonly chunk: number; readonly record: Uint8Array }
  | { readonly call: "flush" }
  | { readonly call: "verify" }
  | { readonly call: "openGate" }
  | { readonly call: "capture" };

/** A message to the disk thread. */
export type ToDiskThread =
  | { readonly kind: "call"; readonly id: number; readonly work: DiskCall }
  /** The piece was taken; `refusal` says why it could not be. */
  | { readonly kind: "piece taken"; readonly refusal?: string }
  | { readonly kind: "close" };

/** The result of a call. */
export type DiskAnswer = ImageFacts | ScanResult | number | "ok" | "bad" | undefined;

/** A failure as plain data: errors lose their class between threads. */
export interface PlainFailure {
  /** A verdict code, or the code of a SituationError. */
  readonly code: string;
  readonly reason: string;
  readonly cure: string;
}

/** A message from the disk thread. */
export type FromDiskThread =
  | {
      readonly kind: "answer";
      readonly id: number;
      readonly value: DiskAnswer;
      readonly writtenBytes: number;
    }
  | {
      readonly kind: "failure";
      readonly id: number;
      readonly failure: PlainFailure;
      readonly writtenBytes: number;
    }
  | {
      readonly kind: "progress";
      readonly id: number;
      readonly done: number;
      readonly total: number;
    }
  /** A piece of the image that is being captured; answered by "piece taken". */
  | { readonly kind: "piece"; readonly bytes: Uint8Array };

/** `workerData` of the disk thread. */
export interface DiskThreadData {
  /** One word; any value but 0 stops long work. */
  readonly stop: Int32Array<SharedArrayBuffer>;
}
