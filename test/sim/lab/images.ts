/**
 * The images of a simulated lab: a name, an id, a few chunks whose record says what they are.
 *
 * A damaged image keeps its name and table and fails its proof, as a file with flipped bits does.
 */
import { FormatError, HuckError, SituationError } from "../../../shared/core/errors.ts";
import type { ByteCount } from "../../../shared/core/units.ts";
import type { ImageDraft, ImageReference } from "../../../shared/image/store.ts";
import type { ImageSummary } from "../../../shared/image/summary.ts";
import type { World } from "./world.ts";

export interface SimImage {
  readonly name: string;
  readonly id: string;
  readonly chunkCount: number;
  readonly damaged: boolean;
}

/** The content of a chunk, as it is in a record and on a disk. */
export function contentOf(image: Pick<SimImage, "id">, chunk: number): string {
  return `${image.id}:${chunk}`;
}

/** What the lab uses of a store; what is read of an image is in its name. */
export class SimStore {
  readonly images = new Map<string, SimImage>();
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  add(name: string, chunkCount: number, damaged: boolean): SimImage {
    const image = { name, id: this.#world.id128().repeat(2), chunkCount, damaged };
    this.images.set(name, image);
    return image;
  }

  named(name: string): SimImage {
    const image = this.images.get(name);
    if (image !== undefined) return image;
    throw new SituationError("no_such_image", `Cannot open image "${name}": none`, { cure: "" });
  }

  /** An upload: `append` is told the source's content ids, one a call. */
  draft(name: string): Promise<ImageDraft> {
    if (this.images.has(name)) return Promise.reject(imageExists(name));
    let chunks = 0;
    return Promise.resolve({
      append: (): Promise<void> => {
        chunks += 1;
        return Promise.resolve();
      },
      commit: async (): Promise<ImageSummary> => {
        await this.#world.sleep(this.#world.between(50, 3000));
        if (this.images.has(name)) throw imageExists(name);
        return summaryOf(this.add(name, chunks, false));
      },
      abort: (): Promise<void> => Promise.resolve(),
    });
  }

  async prove({ name }: ImageReference, signal?: AbortSignal): Promise<void> {
    const image = this.named(name);
    await this.#world.sleep(this.#world.between(100, 40_000));
    if (signal?.aborted === true) throw new HuckError("aborted", "broken off");
    if (image.damaged) throw new FormatError("bad_digest", `chunk 1 of "${name}" is damaged`);
  }

  /** What an operator's request for an image is answered by. */
  facts(name: string): { readonly id: string; readonly file: string } {
    const { id } = this.named(name);
    return { id, file: `the file of ${name}` };
  }
}

function summaryOf({ name, id, chunkCount }: SimImage): ImageSummary {
  const bytes = (chunkCount << 20) as ByteCount;
  const createdAt = "2026-01-01T00:00:00.000Z";
  return { name, id, fileBytes: bytes, diskBytes: bytes, usedBytes: bytes, createdAt };
}

function imageExists(name: string): SituationError {
  return new SituationError("image_exists", `Cannot save as "${name}": taken`, { cure: "" });
}
