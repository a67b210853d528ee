/**
 * REPORT: tells that a receiver joins, how far it is, which chunks it has nothing of, and how it
 * ended.
 *
 * NACKs are about blocks in progress, reports about whole chunks. A report describes the chunks
 * from `from` to `to` exactly, as ranges, and says nothing about the others. Layout: WIRE.md
 * section 3.9.
 */
import type { ByteReader } from "../core/bytes.ts";
import { ByteWriter } from "../core/bytes.ts";
import { FormatError } from "../core/errors.ts";
import type { Range } from "../core/ranges.ts";
import { REASON_BYTES_MAX, reasonBytesOf, utf8 } from "./control.ts";
import { HEADER_BYTES, expectEnd, inRange, MessageType } from "./header.ts";
import type { OutgoingMessage } from "./message.ts";
import { SESSION_CHUNKS_MAX } from "./sync.ts";
import { TAG_BYTES } from "./tag.ts";

/** Most ranges in one report. */
export const REPORT_RANGES_MAX = 100;
/** Length of a REPORT without ranges and reason. Unit: bytes. */
export const REPORT_FIXED_BYTES: number = HEADER_BYTES + 32 + TAG_BYTES;
/** Bytes of one range. */
export const REPORT_RANGE_BYTES = 8;
const STATES = ["waiting", "receiving", "done", "failed", "left"] as const;

/** State of a receiver. */
export type ReportState = (typeof STATES)[number];

export interface Report {
  readonly node: number;
  readonly state: ReportState;
  /** Fill of the ring, 0 .. 100. */
  readonly ringPercent: number;
  /** Network loss, times 65536, at most 65535. */
  readonly netLossQ16: number;
  /** Chunks right and kept. */
  readonly chunksDone: number;
  /** Chunks wanted and not yet right, in progress or not. */
  readonly lacking: number;
  /** How fast its disk takes data. Unit: KiB of stored bytes per second; 0 = not known. */
  readonly drainKiBs: number;
  /** First chunk that `ranges` describe. */
  readonly from: number;
  /** First chunk after `from` that they do not describe. */
  readonly to: number;
  /** Chunks in [from, to) that are wanted and of which nothing is here: ascending, disjoint. */
  readonly ranges: readonly Range[];
  /** Why it failed or left; empty otherwise. At most 200 bytes of UTF-8. */
  readonly reason: string;
}

/**
 * @param reader - From `bodyReader`.
 * @throws {@link FormatError} `truncated`, `trailing_bytes`, `field_range`, `range_order`: count
 *   and drop.
 */
export function readReport(reader: ByteReader): Report {
  const node = reader.u32be();
  const state = STATES[inRange(reader.u8(), [0, STATES.length - 1], "state")] ?? "failed";
  const ringPercent = inRange(reader.u8(), [0, 100], "fill of the ring");
  const netLossQ16 = reader.u16be();
  const chunksDone = reader.u32be();
  const lacking = reader.u32be();
  const drainKiBs = reader.u32be();
  const from = inRange(reader.u32be(), [0, SESSION_CHUNKS_MAX], "first chunk described");
  const to = inRange(reader.u32be(), [from, SESSION_CHUNKS_MAX], "end of the description");
  const count = inRange(reader.u8(), [0, REPORT_RANGES_MAX], "number of ranges");
  const reasonBytes = inRange(reader.u8(), [0, REASON_BYTES_MAX], "length of the reason");
  inRange(reader.u16be(), [0, 0], "reserved field");
  const ranges = readRanges(reader, count, { start: from, end: to });
  const reason = utf8(reader.view(reasonBytes));
  expectEnd(reader);
  const shape = { node, state, ringPercent, netLossQ16, chunksDone, lacking, drainKiBs };
  return { ...shape, from, to, ranges, reason };
}

function readRanges(reader: ByteReader, count: number, within: Range): Range[] {
  const ranges: Range[] = [];
  let least = within.start;
  for (let index = 0; index < count; index += 1) {
    const start = reader.u32be();
    const end = start + reader.u32be();
    if (start < least || end <= start || end > within.end) {
      throw new FormatError(
        "range_order",
        `Cannot read REPORT: range ${start} .. ${end}, one within ${least} .. ${within.end} wanted`,
      );
    }
    ranges.push({ start, end });
    least = end;
  }
  return ranges;
}

function writeReport(bytes: Uint8Array, offset: number, report: Report): void {
  const reason = reasonBytesOf(report.reason);
  const writer = new ByteWriter(bytes, offset + HEADER_BYTES);
  writer.u32be(report.node).u8(STATES.indexOf(report.state)).u8(report.ringPercent);
  writer.u16be(report.netLossQ16).u32be(report.chunksDone).u32be(report.lacking);
  writer.u32be(report.drainKiBs).u32be(report.from).u32be(report.to);
  writer.u8(report.ranges.length).u8(reason.length).u16be(0);
  for (const { start, end } of report.ranges) writer.u32be(start).u32be(end - start);
  writer.bytes(reason);
}

export function reportMessage(report: Report): OutgoingMessage {
  const reasonBytes = reasonBytesOf(report.reason).length;
  return {
    type: MessageType.report,
    flags: 0,
    length: REPORT_FIXED_BYTES + report.ranges.length * REPORT_RANGE_BYTES + reasonBytes,
    write: (bytes, offset) => {
      writeReport(bytes, offset, report);
    },
  };
}
