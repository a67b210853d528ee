/** How much memory a reception may take, by the RAM of the node (promise P9). */

/**
 * Gives the size of the ring of lanes: 0.4 x RAM - 90 MB, at least 48 and at most 256 MB.
 * Node.js and the kernel take the 90 MB; more than 256 MB makes no session faster.
 *
 * @param memoryBytes - RAM of the node.
 * @returns Whole bytes.
 */
export function arenaBytes(memoryBytes: number): number {
  const share = ARENA_SHARE * memoryBytes - ARENA_LESS_BYTES;
  return Math.floor(Math.min(ARENA_MAX_BYTES, Math.max(ARENA_MIN_BYTES, share)));
}

const ARENA_SHARE = 0.4;
const ARENA_LESS_BYTES = 90e6;
const ARENA_MIN_BYTES = 48e6;
const ARENA_MAX_BYTES = 256e6;
