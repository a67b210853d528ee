/**
 * The room for the drafts of one store. Drafts leave some space free, so that they never fill a
 * disk that others write to, perhaps the server's journal among them.
 *
 * All drafts of a process take their bytes from one account, which is filled up by looks at the
 * free space: were each to look for itself, many at once would overrun the reserve between two
 * looks. What other processes write meanwhile is what the reserve is for.
 */
import { statfs } from "node:fs/promises";

/** Grants room to drafts. Make one instance for each store. */
export class DraftRoom {
  readonly #folder: string;
  /** What drafts may still take before the next look. Unit: bytes. */
  #granted = 0;
  /** Taken, but perhaps not written yet. Unit: bytes. */
  #underway = 0;
  #looking: Promise<void> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Writes bytes if they leave the reserve free.
   *
   * @param bytes - How many `write` writes.
   * @throws An error with code ENOSPC if there is no room for them; a system error.
   */
  async write(bytes: number, write: () => Promise<void>): Promise<void> {
    while (this.#granted < bytes) {
      this.#looking ??= this.#look(bytes);
      await this.#looking;
    }
    this.#granted -= bytes;
    this.#underway += bytes;
    try {
      await write();
    } finally {
      this.#underway -= bytes;
    }
  }

  async #look(bytes: number): Promise<void> {
    try {
      const { bavail, blocks, bsize } = await statfs(this.#folder);
      const reserve = Math.min(blocks * bsize * RESERVE_SHARE, RESERVE_BYTES_MAX);
      const room = bavail * bsize - reserve - this.#underway;
      if (room < bytes) throw new NoRoomLeft();
      this.#granted = Math.max(bytes, Math.min(LOOK_BYTES_MAX, reserve * LOOK_SHARE, room));
    } finally {
      this.#looking = undefined;
    }
  }
}

/** Told as a full disk is: `writingFault` knows the code. */
class NoRoomLeft extends Error {
  readonly code = "ENOSPC";

  constructor() {
    super("less is free than the reserve");
  }
}

/** Share of the disk that drafts leave free. */
const RESERVE_SHARE = 0.05;
const RESERVE_BYTES_MAX = 1 << 30;
/** The free space is looked at after this many bytes at the latest. */
const LOOK_BYTES_MAX = 64 << 20;
/** Two processes that look at the same moment still leave half of the reserve. */
const LOOK_SHARE = 0.5;
