/**
 * What is owed: turns NACKs into numbers of fresh symbols per block.
 *
 * A NACK describes the receiver at the time of the SYNC that it answers. Symbols of the block that
 * were sent after that SYNC may still be in flight, so they are subtracted from the deficit. The
 * largest remainder of all answers is owed, and sent once for everybody. Blocks with symbols owed
 * stand in a queue and take turns. This file neither reads chunks nor sends.
 */
import { WHOLE_BLOCK } from "../../wire/block-list.ts";
import type { BlockEntry } from "../../wire/block-list.ts";
import type { Block } from "./cached-chunk.ts";

/** An ADV repeats at most this many blocks; older ones are dropped. */
const HEARD_MAX = 200;

/** The queue of blocks with symbols owed, and the deficits that the next ADV repeats. */
export class Repairs {
  readonly #queue: Block[] = [];
  #heard: BlockEntry[] = [];
  #heardSync = 0;
  #heardNew = false;

  /** @returns Number of blocks with symbols owed. */
  get count(): number {
    return this.#queue.length;
  }

  /** @returns True if an ADV would say something new. */
  get hasNews(): boolean {
    return this.#heardNew;
  }

  /** @returns The SYNC that the collected deficits answer. */
  get heardSync(): number {
    return this.#heardSync;
  }

  /**
   * Applies one entry of a NACK.
   *
   * @param block - In the cache, finished in this pass.
   * @param deficit - Symbols lacking, 1 .. 255; 255 = the whole block.
   * @param syncNo - The SYNC it answers; not later than the latest.
   * @returns Symbols that are owed now and were not before.
   */
  ask(block: Block, deficit: number, syncNo: number): number {
    const whole = deficit === WHOLE_BLOCK || deficit >= block.k;
    const need = whole ? block.k : deficit;
    this.#hear(block, whole ? WHOLE_BLOCK : deficit, syncNo);
    if (!block.finishedBefore(syncNo)) return 0;
    const inFlight = block.repairsSince(syncNo);
    const owed = need - inFlight;
    const more = owed - block.owed;
    if (more <= 0) return 0;
    if (whole && inFlight === 0 && block.owed === 0) block.resendSource();
    if (block.owed === 0) this.#queue.push(block);
    block.owe(owed);
    return more;
  }

  /** @returns The block whose turn it is, or undefined. It stays until {@link sent}. */
  peek(): Block | undefined {
    return this.#queue[0];
  }

  /**
   * Notes that one symbol of the first block was sent, and gives the next block its turn.
   *
   * @param lastSync - Number of the latest SYNC.
   * @returns The block if nothing more is owed of it, else undefined.
   */
  sent(lastSync: number): Block | undefined {
    const block = this.#queue.shift();
    if (block === undefined) return undefined;
    block.sentRepair(lastSync);
    if (block.owed === 0) return block;
    this.#queue.push(block);
    return undefined;
  }

  /**
   * Returns the blocks for an ADV and notes that they were told.
   *
   * @param roomFor - Entries that fit.
   * @returns Largest deficits reported for the latest SYNC that was answered.
   */
  takeHeard(roomFor: number): readonly BlockEntry[] {
    this.#heardNew = false;
    return this.#heard.slice(0, roomFor);
  }

  #hear(block: Block, value: number, syncNo: number): void {
    if (syncNo < this.#heardSync) return;
    if (syncNo > this.#heardSync) {
      this.#heard = [];
      this.#heardSync = syncNo;
    }
    const chunk = block.chunk.chunk;
    const at = this.#heard.findIndex((one) => one.chunk === chunk && one.block === block.index);
    if (at >= 0 && (this.#heard[at]?.value ?? 0) >= value) return;
    const entry = { chunk, block: block.index, value };
    this.#heardNew = true;
    if (at >= 0) this.#heard[at] = entry;
    else if (this.#heard.length < HEARD_MAX) this.#heard.push(entry);
  }
}
