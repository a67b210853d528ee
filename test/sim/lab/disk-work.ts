/**
 * DiskWork over a disk of the simulation: takes virtual time, writes what it is told, and objects
 * at once when a call breaks the order of safety (P1, P2, P8).
 */
import assert from "node:assert/strict";
import { chooseDisk } from "../../../shared/control/disk-rule.ts";
import type { DiskDescription } from "../../../shared/control/disk-rule.ts";
import type { LoadOrder, Order } from "../../../shared/control/order.ts";
import type { VerifyLevel } from "../../../shared/control/spec.ts";
import type { Range } from "../../../shared/core/ranges.ts";
import { NodeFailure } from "../../../receiver/failure.ts";
import type {
  CaptureSink,
  DiskWork,
  ImageFacts,
  Progress,
  ScanResult,
} from "../../../receiver/disk/disk-work.ts";
import type { SimDisk } from "./disk.ts";
import { contentOf } from "./images.ts";
import type { SimImage } from "./images.ts";
import type { World } from "./world.ts";

/** The boot that the disk is in, as far as the disk cares. */
export interface DiskHost {
  readonly world: World;
  readonly node: string;
  readonly boot: number;
  /** Virtual time for this boot: never resolves once the node is off. */
  sleep(ms: number): Promise<void>;
  disks(): readonly SimDisk[];
  /** Told before the first write of an order in this boot. */
  closes(order: LoadOrder, disk: SimDisk, image: SimImage): void;
  imageById(id: string): SimImage | undefined;
  /** Told at every write. */
  writes(): void;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A record, as the server serves it and a stream sends it. */
export function recordOf(image: SimImage, chunk: number, damaged: boolean): Uint8Array {
  return encoder.encode(damaged ? "damaged" : contentOf(image, chunk));
}

/** What the server serves as the tail of an image file. */
export function manifestOf(image: SimImage): Uint8Array {
  return encoder.encode(image.id);
}

export class SimDiskWork implements DiskWork {
  readonly #host: DiskHost;
  #disk: SimDisk | undefined;
  #image: SimImage | undefined;
  #access: "read" | "write" = "read";
  #order: Order | undefined;
  #closed = false;
  #verified: VerifyLevel = "flush";
  #written = 0;
  #stopped = false;
  #toCheck: number | undefined;

  constructor(host: DiskHost) {
    this.#host = host;
  }

  async open(order: Order, disk: DiskDescription, access: "read" | "write"): Promise<void> {
    this.#order = order;
    await this.#host.sleep(this.#host.world.between(5, 50));
    this.#disk = this.#host.disks().find(({ description }) => description.path === disk.path);
    this.#access = access;
  }

  async useImage(tail: Uint8Array): Promise<ImageFacts> {
    await this.#host.sleep(5);
    const image = this.#host.imageById(decoder.decode(tail));
    if (image?.id !== this.#loadOrder().image.id)
      throw new NodeFailure("image_damaged", "another table", "Look.");
    this.#image = image;
    const { chunkCount } = image;
    this.#toCheck = this.#host.boot % 3 === 0 ? 0 : undefined;
    const recordLengths = new Uint32Array(chunkCount).fill(1);
    return { chunkCount, recordLengths, rawBytes: chunkCount };
  }

  chunkToCheck(): Promise<number | undefined> {
    return Promise.resolve(this.#toCheck);
  }

  async scan(progress: Progress): Promise<ScanResult> {
    const { disk, image } = this.#loaded();
    const { delta } = this.#loadOrder();
    await this.#host.sleep(this.#host.world.between(20, 4000));
    this.#stopIfAsked();
    progress(1, 1);
    const whole = disk.gate.kind === "image" && disk.gate.image === image.id;
    const resumed = disk.gate.kind === "closed" && disk.gate.image === image.id;
    const all = Array.from({ length: image.chunkCount }, (_, chunk) => chunk);
    // The gate is content of chunk 0: it lacks unless the image's own gate is there.
    const missing = delta || resumed ? disk.lacking(image) : all;
    const lacking = missing.includes(0) || whole ? missing : [0, ...missing];
    const found = resumed ? "resumed" : lacking.length === 0 ? "unchanged" : "fresh";
    return { lacking: rangesOf(lacking), found, lackingBytes: lacking.length };
  }

  async closeGate(): Promise<void> {
    const { disk, image } = this.#loaded();
    const order = this.#loadOrder();
    this.#stopIfAsked();
    await this.#host.sleep(this.#host.world.between(5, 200));
    const choice = chooseDisk(order.disk, this.#descriptions());
    if (
      !choice.ok ||
      choice.disk.path !== disk.description.path ||
      order.node !== this.#host.node
    ) {
      this.#host.world.breaks("P8", `${this.#host.node}: a disk that the order does not name`);
    }
    this.#host.closes(order, disk, image);
    this.#closed = true;
    disk.gate = { kind: "closed", order: order.id, image: image.id };
    this.#note();
  }

  async deliver(chunk: number, record: Uint8Array): Promise<"ok" | "bad"> {
    const { disk, image } = this.#loaded();
    const content = decoder.decode(record);
    if (content !== contentOf(image, chunk)) return "bad";
    if (!this.#closed) {
      this.#toCheck = undefined; // looked at before the gate closes, not written
      return "ok";
    }
    this.#stopIfAsked();
    await this.#host.sleep(this.#host.world.between(5, 300));
    disk.write(chunk, content);
    this.#written += 1;
    this.#note();
    return "ok";
  }

  async flush(): Promise<void> {
    await this.#host.sleep(this.#host.world.between(10, 3000));
    this.#loaded().disk.flush();
  }

  async verify(progress: Progress): Promise<void> {
    const { disk, image } = this.#loaded();
    const { verify: level } = this.#loadOrder();
    if (disk.cache.size > 0) this.#host.world.breaks("P1", "verified before it was flushed");
    await this.#host.sleep(this.#host.world.between(10, 4000));
    this.#stopIfAsked();
    progress(1, 1);
    const wrong = disk.lacking(image).filter((chunk) => level === "full" || chunk % 2 === 0);
    if (wrong.length > 0)
      throw new NodeFailure("verify_mismatch", `chunk ${String(wrong[0])}`, "Replace it.");
    this.#verified = level;
  }

  async openGate(): Promise<void> {
    const { disk, image } = this.#loaded();
    await this.#host.sleep(this.#host.world.between(5, 300));
    if (disk.cache.size > 0) this.#host.world.breaks("P1", "gate opened before the flush");
    if (this.#loadOrder().verify !== this.#verified) {
      this.#host.world.breaks("P1", "gate opened before what was asked for was verified");
    }
    disk.gate = { kind: "image", image: image.id };
    this.#note();
  }

  async capture(sink: CaptureSink, progress: Progress): Promise<void> {
    if (this.#access !== "read") {
      this.#host.world.breaks("P5", `${this.#host.node} opened for writing`);
    }
    for (let slot = 0; slot < 3; slot += 1) {
      await this.#host.sleep(this.#host.world.between(50, 3000));
      this.#stopIfAsked();
      await sink(encoder.encode(this.#disk?.read(slot) ?? ""));
      progress(slot + 1, 3);
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  bytesWritten(): number {
    return this.#written;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #stopIfAsked(): void {
    if (this.#stopped) throw new NodeFailure("aborted", "the work was stopped", "Begin again.");
  }

  #loadOrder(): LoadOrder {
    assert(this.#order?.action === "load", "this call belongs to a load");
    return this.#order;
  }

  #descriptions(): DiskDescription[] {
    return this.#host.disks().map(({ description }) => description);
  }

  /** Every write is remembered with the order it was for. */
  #note(): void {
    const { disk } = this.#loaded();
    const { boot, world, node } = this.#host;
    if (this.#access !== "write" || this.#order === undefined) {
      world.breaks("P8", `${node}: written without an order`);
      return;
    }
    const boots = disk.writers.get(this.#order.id) ?? new Set();
    disk.writers.set(this.#order.id, boots.add(boot));
    this.#host.writes();
  }

  #loaded(): { readonly disk: SimDisk; readonly image: SimImage } {
    if (this.#disk === undefined || this.#image === undefined) throw new Error("no image yet");
    return { disk: this.#disk, image: this.#image };
  }
}

function rangesOf(chunks: readonly number[]): Range[] {
  return chunks.map((chunk) => ({ start: chunk, end: chunk + 1 }));
}
