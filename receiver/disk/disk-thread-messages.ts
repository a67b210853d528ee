/**
 * What the disk thread and its owner say to each other: calls with numbers, answers, progress,
 * pieces of an image.
 */
import type { DiskDescription } from "../../shared/control/disk-rule.ts";
import type { SaveOrder } from "../../shared/control/order.ts";
import type { VerifyLevel } from "../../shared/control/spec.ts";
import type { ImageFacts, ScanResult } from "./disk-work.ts";

/** A call, by name. */
export type DiskCall =
  | {
      readonly call: "open";
      readonly disk: DiskDescription;
      readonly access: "read" | "write";
    }
  | { readonly call: "useImage"; readonly manifest: Uint8Array; readonly imageId: string }
  | { readonly call: "scan"; readonly delta: boolean }
  | { readonly call: "closeGate"; readonly orderId: string }
  /** The record lies in memory both threads share, or was copied. */
  | { readonly call: "deliver"; readonly chunk: number; readonly record: Uint8Array }
  | { readonly call: "flush" }
  | { readonly call: "verify"; readonly level: VerifyLevel }
  | { readonly call: "openGate" }
  | { readonly call: "capture"; readonly order: SaveOrder };

/** To the disk thread. */
export type ToDiskThread =
  | { readonly kind: "call"; readonly id: number; readonly work: DiskCall }
  /** The piece was taken; `refusal` when it could not be. */
  | { readonly kind: "piece taken"; readonly refusal?: string }
  | { readonly kind: "close" };

/** What a call gives. */
export type DiskAnswer = ImageFacts | ScanResult | "ok" | "bad" | undefined;

/** A failure on its way between threads: errors lose their class there. */
export interface CarriedFailure {
  /** A verdict code, or the code of a situation. */
  readonly code: string;
  readonly reason: string;
  readonly cure: string;
}

/** From the disk thread. */
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
      readonly failure: CarriedFailure;
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
  /** One word; not 0 stops long work. */
  readonly stop: Int32Array<SharedArrayBuffer>;
}
