/**
 * What a simulated session carries: records of random lengths and bytes, the same for a seed.
 */
import { seededRandom } from "../../shared/core/random.ts";
import type { Plan } from "./plan.ts";

/** Content of a session, the same for a seed. */
export class Content {
  readonly lengths: Uint32Array;
  readonly #bytes: Uint8Array;

  constructor(plan: Plan) {
    const random = seededRandom(plan.seed ^ 0x5eed);
    this.lengths = new Uint32Array(plan.chunkCount);
    for (let chunk = 0; chunk < plan.chunkCount; chunk += 1) {
      const full = random.below(3) > 0;
      this.lengths[chunk] = full ? plan.recordBytesMax : 1 + random.below(plan.recordBytesMax);
    }
    const words = new Uint32Array(plan.recordBytesMax / 2 + 1024);
    for (let index = 0; index < words.length; index += 1) words[index] = random.u32();
    this.#bytes = new Uint8Array(words.buffer);
  }

  /** Bytes of a chunk: a window of the random bytes that no two chunks share in full. */
  record(chunk: number): Uint8Array {
    const start = (chunk * 61) % 4096;
    return this.#bytes.subarray(start, start + (this.lengths[chunk] ?? 0));
  }

  get totalBytes(): number {
    return this.lengths.reduce((sum, length) => sum + length, 0);
  }
}
