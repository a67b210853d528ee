/** Options of a small session, for the tests of the sender. */
import type { SenderOptions } from "../../../../../shared/session/sender/contract.ts";
import { Arena, arenaMemory } from "../../../../../shared/core/arena.ts";
import { seededRandom } from "../../../../../shared/core/random.ts";
import { createFecKernel } from "../../../../../shared/fec/kernel.ts";
import { FEC_SCRATCH_BYTES } from "../../../../../shared/fec/wasm-kernel.ts";
import { createTagger } from "../../../../../shared/wire/tag.ts";

export const SID = 0x1122334455667788n;
const KEY: Uint8Array = new Uint8Array(16).fill(7);
export const GROUP = { address: "239.1.2.3", port: 7001 };

export function senderOptions(changes: Partial<SenderOptions> = {}): SenderOptions {
  const arena = changes.arena ?? new Arena(arenaMemory(4 << 20));
  return {
    arena,
    kernel: createFecKernel(arena.memory, { scratch: arena.region(FEC_SCRATCH_BYTES) }),
    tagger: createTagger(arena.memory, KEY),
    random: seededRandom(1),
    sid: SID,
    kind: "cast",
    imageId: new Uint8Array(32),
    group: GROUP,
    feedbackPort: 7000,
    symbolBytes: 256,
    recordBytesMax: 4096,
    chunkCount: 4,
    cacheBytes: 16 * 12_288,
    rateCap: 100e6,
    start: { membersMin: 1, membersMax: 1, waitMinMs: 0, waitMaxMs: 1000 },
    admission: { by: "server", admits: () => true },
    ...changes,
  };
}
