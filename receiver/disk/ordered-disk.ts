/**
 * The disk of one order, in the thread that owns it: image and device behind plain synchronous
 * calls.
 *
 * This file turns faults into verdicts of the node, next to where they happen. The digest rules and
 * the order of writing are in GatedDisk.
 */
import assert from "node:assert/strict";
import type { DiskDescription } from "../../shared/control/disk-rule.ts";
import type { LoadOrder, Order, SaveOrder } from "../../shared/control/order.ts";
import { planDisk } from "../../shared/allocation/plan.ts";
import type { DiskPlan } from "../../shared/allocation/plan.ts";
import { toHex } from "../../shared/core/digest.ts";
import { foundText, isErrno } from "../../shared/core/errno.ts";
import { FormatError, SituationError, codeOf, messageOf } from "../../shared/core/errors.ts";
import { normalRanges } from "../../shared/core/ranges.ts";
import type { BlockDevice } from "../../shared/disk/block-device.ts";
import type { SectorSource } from "../../shared/disk/source.ts";
import { captureImage } from "../../shared/image/capture.ts";
import type { ChunkCodec } from "../../shared/image/chunk-codec.ts";
import type { CodecPool } from "../../shared/image/codec-pool.ts";
import { GatedDisk } from "../../shared/image/gated-disk.ts";
import { placeImage, targetSize } from "../../shared/image/place-image.ts";
import { openImageTail } from "../../shared/image/reader.ts";
import type { ImageIndex } from "../../shared/image/reader.ts";
import { NodeFailure } from "../failure.ts";
import type { CaptureSink, ImageFacts, Progress, ScanResult } from "./disk-work.ts";

/** Codes of a plan that end a save as `source_dirty`: the operator may ask for all sectors. */
const DIRTY_CODES: readonly string[] = ["filesystem_dirty", "disk_incomplete"];

/** What a capture puts into the image besides the disk's content. */
export interface CaptureFacts {
  /** 16 random bytes. */
  readonly uuid: Uint8Array;
  /** Milliseconds since 1970 UTC. */
  readonly nowMs: number;
  readonly tool: string;
}

/** Destination and encoder of a capture; see `captureImage`. */
interface PieceOutput {
  readonly sink: CaptureSink;
  readonly pool: CodecPool;
}

/** The disk of one order. */
export class OrderedDisk {
  readonly #order: Order;
  readonly #device: BlockDevice;
  readonly #codec: ChunkCodec;
  readonly #buffer: Uint8Array;
  #index: ImageIndex | undefined;
  #target: GatedDisk | undefined;

  /**
   * @param order - What every call obeys.
   * @param device - Open; its owner closes it.
   * @param codec - Of this thread.
   * @param buffer - 1 MiB, page aligned.
   */
  constructor(order: Order, device: BlockDevice, codec: ChunkCodec, buffer: Uint8Array) {
    this.#order = order;
    this.#device = device;
    this.#codec = codec;
    this.#buffer = buffer;
  }

  /** @returns Content written so far. Unit: bytes. */
  get writtenBytes(): number {
    return this.#target?.writtenBytes ?? 0;
  }

  /**
   * Checks that this is still the disk that was chosen.
   *
   * @throws {@link NodeFailure} `no_disk_matches`, `disk_in_use`.
   */
  checkIdentity(wanted: DiskDescription): void {
    const { serial, wwn, sizeBytes, inUse, path } = this.#device.identity;
    if (serial !== wanted.serial || wwn !== wanted.wwn || sizeBytes !== wanted.sizeBytes) {
      throw new NodeFailure(
        "no_disk_matches",
        `"${path}" is another disk by now: ${sizeBytes} bytes, serial "${serial}"`,
        "Look for a loose cable; then run the same command again.",
      );
    }
    if (inUse.length === 0) return;
    throw new NodeFailure("disk_in_use", `"${path}" is in use: ${inUse.join(", ")}`, "Unmount it.");
  }

  /**
   * Takes the image that goes to this disk.
   *
   * @param tail - Tail of the image file.
   * @throws {@link NodeFailure} `image_damaged`; SituationError `disk_too_small`,
   *   `sector_size_differs`.
   */
  useImage(tail: Uint8Array): ImageFacts {
    const index = openTail(tail);
    const { id } = this.#loadOrder().image;
    if (toHex(index.imageId) !== id) {
      throw damaged(`the server sent the table of image ${toHex(index.imageId)}, not of ${id}`);
    }
    this.#target = this.#fit(index);
    this.#index = index;
    const { table } = index;
    const recordLengths = new Uint32Array(table.count);
    for (let chunk = 0; chunk < table.count; chunk += 1) {
      recordLengths[chunk] = table.recordRange(chunk).length;
    }
    const { rawBytes } = index.manifest.stats;
    return { chunkCount: table.count, recordLengths, rawBytes };
  }

  /** @returns The next chunk that must be delivered before the gate closes, if there is one. */
  chunkToCheck(): number | undefined {
    return this.#loaded().target.chunkToCheck;
  }

  /**
   * Finds out which chunks the disk already holds; without `delta` all count as lacking.
   *
   * @param progress - Called after every chunk; may throw to stop.
   * @throws {@link NodeFailure} `disk_read_error`.
   */
  scan(progress: Progress): ScanResult {
    const { target, table } = this.#loaded();
    const { delta } = this.#loadOrder();
    const { lacking, found } = reading(() => target.scan(delta, progress));
    return {
      lacking: normalRanges(lacking.map((chunk) => ({ start: chunk, end: chunk + 1 }))),
      found,
      lackingBytes: lacking.reduce((sum, chunk) => sum + table.entry(chunk).rawBytes, 0),
    };
  }

  /** Closes the gate. @throws {@link NodeFailure} `disk_write_error`. */
  closeGate(): void {
    const { target } = this.#loaded();
    writing(() => {
      target.close(this.#order.id);
    });
  }

  /**
   * Checks and writes a chunk.
   *
   * @param record - Read during the call only.
   * @returns "bad" if a digest differs.
   * @throws {@link NodeFailure} `disk_write_error`; `image_damaged` if its partition table cannot
   *   be made to fit this disk.
   */
  deliver(chunk: number, record: Uint8Array): "ok" | "bad" {
    const { target } = this.#loaded();
    try {
      target.accept(chunk, record);
      return "ok";
    } catch (error) {
      if (error instanceof FormatError) return "bad";
      if (error instanceof SituationError) {
        throw new NodeFailure("image_damaged", error.message, error.cure, { cause: error });
      }
      throw writeError(error);
    }
  }

  /** Waits for the medium. @throws {@link NodeFailure} `disk_write_error`. */
  flush(): void {
    const { target } = this.#loaded();
    writing(() => {
      target.flush();
    });
  }

  /**
   * Reads back and compares digests.
   *
   * @param progress - Called after every chunk; may throw to stop.
   * @throws {@link NodeFailure} `verify_mismatch`, `disk_read_error`.
   */
  verify(progress: Progress): void {
    const { verify: level } = this.#loadOrder();
    if (level === "flush") return;
    const { target } = this.#loaded();
    reading(() => {
      for (const [done, total] of target.readBack(level)) progress(done, total);
    });
  }

  /** Opens the gate. @throws {@link NodeFailure} `disk_write_error`, `verify_mismatch`. */
  openGate(): void {
    const { target } = this.#loaded();
    writing(() => {
      target.open();
    });
  }

  /**
   * Reads the disk and sends the image file.
   *
   * @param progress - Called after every chunk; may throw to stop.
   * @throws {@link NodeFailure} `source_dirty`, `disk_read_error`; whatever the sink throws.
   */
  async capture(facts: CaptureFacts, out: PieceOutput, progress: Progress): Promise<void> {
    const order = this.#saveOrder();
    const plan = this.#plan(order);
    await captureImage(
      this.#source(),
      plan,
      { sink: { append: out.sink }, pool: out.pool },
      { ...facts, host: order.node, level: order.level, progress },
    );
  }

  #fit(index: ImageIndex): GatedDisk {
    try {
      const placement = placeImage(index, targetSize(this.#device));
      return new GatedDisk({ index, placement }, this.#device, this.#codec, this.#buffer);
    } catch (error) {
      if (error instanceof FormatError) throw damaged(error.message, error);
      throw error;
    }
  }

  #plan({ rawIfDirty, keepGaps }: SaveOrder): DiskPlan {
    try {
      return planDisk(this.#source(), { rawIfDirty, keepGaps });
    } catch (error) {
      if (error instanceof SituationError && DIRTY_CODES.includes(error.code)) {
        throw new NodeFailure("source_dirty", error.message, error.cure, { cause: error });
      }
      throw error;
    }
  }

  /** The disk as what is saved: its faults must not be mistaken for those of the sink. */
  #source(): SectorSource {
    const { sectorBytes, sectorCount } = this.#device;
    return {
      sectorBytes,
      sectorCount,
      read: (lba, into) => {
        try {
          this.#device.read(lba, into);
        } catch (error) {
          throw readError(error);
        }
      },
    };
  }

  #loadOrder(): LoadOrder {
    assert(this.#order.action === "load", "this call belongs to a load");
    return this.#order;
  }

  #saveOrder(): SaveOrder {
    assert(this.#order.action === "save", "this call belongs to a save");
    return this.#order;
  }

  #loaded(): { readonly target: GatedDisk; readonly table: ImageIndex["table"] } {
    if (this.#target === undefined || this.#index === undefined) {
      throw new Error("the disk has no image yet");
    }
    return { target: this.#target, table: this.#index.table };
  }
}

function openTail(tail: Uint8Array): ImageIndex {
  try {
    return openImageTail(tail);
  } catch (error) {
    throw damaged(messageOf(error), error);
  }
}

function reading<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof NodeFailure) throw error;
    throw error instanceof FormatError ? mismatch(error) : readError(error);
  }
}

function writing(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (error instanceof SituationError) throw error;
    throw error instanceof FormatError ? mismatch(error) : writeError(error);
  }
}

function mismatch(cause: FormatError): NodeFailure {
  return new NodeFailure(
    "verify_mismatch",
    cause.message,
    "The disk does not keep what is written to it: replace it.",
    { cause },
  );
}

function readError(cause: unknown): NodeFailure {
  const reason = systemReason("Cannot read the disk", cause);
  return new NodeFailure("disk_read_error", reason, "Look at the disk's SMART data.", { cause });
}

function writeError(cause: unknown): NodeFailure {
  const reason = systemReason("Cannot write the disk", cause);
  return new NodeFailure("disk_write_error", reason, "Look at the disk's SMART data.", { cause });
}

function systemReason(what: string, cause: unknown): string {
  return isErrno(codeOf(cause) ?? "") ? `${what}: ${foundText(cause)}` : messageOf(cause);
}

function damaged(reason: string, cause?: unknown): NodeFailure {
  return new NodeFailure("image_damaged", reason, 'Run "huck image verify" on the server.', {
    cause,
  });
}
