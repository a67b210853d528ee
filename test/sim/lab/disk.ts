/**
 * A disk that knows the truth: what lies on it, what is only in its cache, and which orders wrote
 * to it in which boots.
 */
import type { DiskDescription } from "../../../shared/control/disk-rule.ts";
import type { SimImage } from "./images.ts";
import { contentOf } from "./images.ts";
import type { World } from "./world.ts";

/** Slots of every disk; images have as many chunks or fewer. */
export const SLOTS = 8;

/** The boot sectors: somebody's system, a note of an unfinished order, or an image's own. */
type Gate =
  | { readonly kind: "foreign" }
  | { readonly kind: "closed"; readonly order: string; readonly image: string }
  | { readonly kind: "image"; readonly image: string };

export class SimDisk {
  readonly description: DiskDescription;
  /** What reading gives after a power loss. */
  readonly slots: string[];
  gate: Gate = { kind: "foreign" };
  /** Drops what is written to it and says nothing. */
  readonly lies: boolean;
  /** Writes that no flush has made durable. */
  readonly cache = new Map<number, string>();
  /** Order -> boots that wrote for it. */
  readonly writers = new Map<string, Set<number>>();

  constructor(description: DiskDescription, lies: boolean) {
    this.description = description;
    this.lies = lies;
    this.slots = Array.from({ length: SLOTS }, (_, slot) => `${description.serial}:old:${slot}`);
  }

  get boots(): boolean {
    return this.gate.kind !== "closed";
  }

  /** True when exactly this image is on the medium and can be booted. */
  holds(image: SimImage): boolean {
    if (this.gate.kind !== "image" || this.gate.image !== image.id) return false;
    return this.lacking(image).length === 0 && this.cache.size === 0;
  }

  lacking(image: SimImage): number[] {
    const chunks = Array.from({ length: image.chunkCount }, (_, chunk) => chunk);
    return chunks.filter((chunk) => this.read(chunk) !== contentOf(image, chunk));
  }

  read(slot: number): string | undefined {
    return this.cache.get(slot) ?? this.slots[slot];
  }

  write(slot: number, content: string): void {
    this.cache.set(slot, content);
  }

  flush(): void {
    for (const [slot, content] of this.cache) this.slots[slot] = this.lies ? "rotten" : content;
    this.cache.clear();
  }

  /** Of what was not flushed, any part may have reached the medium. */
  losePower(world: World): void {
    for (const [slot, content] of this.cache) if (world.chance(0.5)) this.slots[slot] = content;
    this.cache.clear();
  }
}
