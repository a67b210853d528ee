/**
 * Blanks the languages that Node.js carries in its ICU data, except English.
 *
 * The data is one archive inside the program ("common data": a header, a table of names and
 * offsets, items). Half of its 33 MB are words for months, units and currencies in 200 languages,
 * which a node never shows. Their bytes are set to zero: no offset moves, the table stays right,
 * and zeros compress to nothing, so each node fetches 4.5 MB less. ICU takes an item without a
 * valid header for a missing one and falls back to its root locale. Layout: ICU User Guide, "ICU
 * Data"; udata.h, ucmndata.h. What belongs to no language stays: collation, scripts, time zones,
 * character sets.
 */
import { ByteReader } from "../shared/core/bytes.ts";
import { FormatError } from "../shared/core/errors.ts";

/** What was blanked. */
export interface BlankedLanguages {
  /** A copy of the program, same size. */
  readonly program: Uint8Array;
  /** How many items were set to zero. */
  readonly itemCount: number;
  /** Their size. Unit: bytes. */
  readonly blankedBytes: number;
}

/**
 * Blanks all locale resources but English and the root ones.
 *
 * @param program - Node.js with its own ICU data; not changed.
 * @returns The copy and what was done.
 * @throws {@link FormatError} `icu_data` when there is not exactly one data archive, or its table
 *   is not what ICU writes; `truncated`.
 */
export function blankLanguages(program: Uint8Array): BlankedLanguages {
  const copy = new Uint8Array(program);
  let itemCount = 0;
  let blankedBytes = 0;
  for (const item of readTable(copy, findArchive(copy))) {
    if (!isForeignLocale(item.name)) continue;
    const header = new ByteReader(copy, "ICU item", item.start + 2);
    if (header.u16be() !== MAGIC || header.skip(8).latin1(4) !== "ResB") {
      throw bad(`item "${item.name}" has no resource header`);
    }
    copy.fill(0, item.start, item.end);
    itemCount++;
    blankedBytes += item.end - item.start;
  }
  return { program: copy, itemCount, blankedBytes };
}

interface Item {
  readonly name: string;
  /** Place in the program. Unit: bytes. */
  readonly start: number;
  readonly end: number;
}

/**
 * Finds the one archive: its header carries the format name "CmnD" at byte 12.
 *
 * @throws {@link FormatError} `icu_data`.
 */
function findArchive(program: Uint8Array): number {
  const buffer = Buffer.from(program.buffer, program.byteOffset, program.length);
  const found: number[] = [];
  for (let at = buffer.indexOf("CmnD"); at !== -1; at = buffer.indexOf("CmnD", at + 1)) {
    if (at >= 12 && buffer.readUInt16BE(at - 10) === MAGIC) found.push(at - 12);
  }
  const [start] = found;
  if (start !== undefined && found.length === 1) return start;
  throw bad(`${found.length} data archives found, one wanted`);
}

function readTable(program: Uint8Array, start: number): Item[] {
  const headerBytes = new ByteReader(program, "ICU header", start).u16le();
  const table = start + headerBytes;
  const reader = new ByteReader(program, "ICU table", table);
  const count = reader.u32le();
  if (count > ITEMS_MAX) throw bad(`table of ${count} items, at most ${ITEMS_MAX} wanted`);
  const found: { name: string; start: number }[] = [];
  for (let index = 0; index < count; index++) {
    const name = new ByteReader(program, "ICU name", table + reader.u32le());
    found.push({ name: name.latin1(Math.min(name.left, NAME_MAX)), start: table + reader.u32le() });
  }
  // The table gives no sizes: an item ends where the next begins. The last one's end is unknown,
  // so it is not listed.
  return found.slice(0, -1).map((item, index) => {
    const end = found[index + 1]?.start ?? 0;
    if (end <= item.start || end > program.length) throw bad(`item "${item.name}" has no extent`);
    return { ...item, end };
  });
}

/**
 * Matches "icudt78l/curr/de_AT.res", but not "en_US.res", "root.res", "res_index.res" or
 * "zoneinfo64.res".
 */
function isForeignLocale(name: string): boolean {
  const file = name.slice(name.lastIndexOf("/") + 1);
  const language = /^([a-z]{2,3})(_[A-Za-z0-9_]+)?\.res$/.exec(file)?.[1];
  return language !== undefined && language !== "en" && language !== "res";
}

function bad(found: string): FormatError {
  return new FormatError("icu_data", `Cannot blank languages: ${found}`);
}

/** Bytes 2-3 of every ICU data header (udata.h). */
const MAGIC = 0xda27;

/** ICU 78 has 4305 items. */
const ITEMS_MAX = 100_000;

/** Longest item name. Unit: bytes. */
const NAME_MAX = 128;
