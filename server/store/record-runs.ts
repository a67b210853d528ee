/** Where the records of an image lie, as two flat arrays that threads exchange without a copy. */
import type { ChunkTable } from "../../shared/image/chunk-table.ts";
import type { ProvenIndex } from "./proof-thread.io.ts";

/** Gives offset and length of each record of a table, by chunk. Unit: bytes. */
export function recordRunsOf(table: ChunkTable): Pick<ProvenIndex, "offsets" | "lengths"> {
  const offsets = new Float64Array(table.count);
  const lengths = new Uint32Array(table.count);
  for (let index = 0; index < table.count; index += 1) {
    const { offset, length } = table.recordRange(index);
    offsets[index] = offset;
    lengths[index] = length;
  }
  return { offsets, lengths };
}
