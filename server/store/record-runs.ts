/** Where the records of an image lie, as two flat arrays that cross threads without a copy. */
import type { ChunkTable } from "../../shared/image/chunk-table.ts";
import type { ProvenIndex } from "./proof-thread.io.ts";

/**
 * Lists the records of a table.
 *
 * @param table - Opened.
 * @returns Offset and length of each record, by chunk. Unit: bytes.
 */
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
