/**
 * ANNOUNCE: what a receiver must know to join a session without a control server.
 *
 * It is repeated as long as the session lives, so a receiver may start at any time. Layout: WIRE.md
 * section 3.8.
 */
import type { ByteReader } from "../core/bytes.ts";
import { ByteWriter } from "../core/bytes.ts";
import { HEADER_BYTES, expectEnd, inRange, MessageType } from "./header.ts";
import type { OutgoingMessage } from "./message.ts";
import { readChunkCount } from "./sync.ts";
import { TAG_BYTES } from "./tag.ts";

/** Bytes of an ANNOUNCE. */
const ANNOUNCE_BYTES: number = HEADER_BYTES + 56 + TAG_BYTES;
const IMAGE_ID_BYTES = 32;
/** Symbols are a multiple of this, because FEC works on 32 bytes at a time. Unit: bytes. */
const SYMBOL_UNIT = 32;
/** Longest symbol: its datagram fits a link of MTU 9000, also with IPv6. Unit: bytes. */
export const SYMBOL_BYTES_MAX = 8896;
/** Longest record: 64 MiB, far more than any record of an image. Unit: bytes. */
const RECORD_BYTES_MAX = 2 ** 26;
/** `startsInMs` of a session whose start is not known. */
export const START_UNKNOWN = 0xffffffff;
const KINDS = ["image", "cast"] as const;
const STATES = ["gathering", "streaming", "ended"] as const;

export interface Announce {
  /** T: length of a DATA payload, a multiple of 32, 32 .. 8896. Unit: bytes. */
  readonly symbolBytes: number;
  /** "image": receivers know the record lengths from the image's table; "cast": they do not. */
  readonly kind: (typeof KINDS)[number];
  readonly state: (typeof STATES)[number];
  /** 0 .. 2^24, or COUNT_UNKNOWN. */
  readonly chunkCount: number;
  /** Longest record, 1 .. 2^26. Unit: bytes. */
  readonly recordBytesMax: number;
  /** UDP port for REPORT and NACK, at the source address of this message. */
  readonly feedbackPort: number;
  /** First reports are spread over this time. Unit: milliseconds. */
  readonly reportSpreadMs: number;
  /** Number of members that the session waits for. */
  readonly membersMin: number;
  /** Current number of members. */
  readonly members: number;
  /** Longest time until the start, or {@link START_UNKNOWN}. Unit: milliseconds. */
  readonly startsInMs: number;
  /** 32 bytes. A view after reading: copy it to keep it. */
  readonly imageId: Uint8Array;
}

/**
 * @param reader - From `bodyReader`.
 * @throws {@link FormatError} `truncated`, `trailing_bytes`, `field_range`: count and drop.
 */
export function readAnnounce(reader: ByteReader): Announce {
  const symbolBytes = inRange(reader.u16be(), [SYMBOL_UNIT, SYMBOL_BYTES_MAX], "symbol length");
  inRange(symbolBytes % SYMBOL_UNIT, [0, 0], "symbol length modulo 32");
  const kind = KINDS[inRange(reader.u8(), [0, KINDS.length - 1], "kind")] ?? "cast";
  const state = STATES[inRange(reader.u8(), [0, STATES.length - 1], "state")] ?? "ended";
  const chunkCount = readChunkCount(reader);
  const recordBytesMax = inRange(reader.u32be(), [1, RECORD_BYTES_MAX], "record length");
  const feedbackPort = inRange(reader.u16be(), [1, 65535], "feedback port");
  const reportSpreadMs = reader.u16be();
  const membersMin = reader.u16be();
  const members = reader.u16be();
  const startsInMs = reader.u32be();
  const imageId = reader.view(IMAGE_ID_BYTES);
  expectEnd(reader);
  const shape = { symbolBytes, kind, state, chunkCount, recordBytesMax };
  return { ...shape, feedbackPort, reportSpreadMs, membersMin, members, startsInMs, imageId };
}

function writeAnnounce(bytes: Uint8Array, offset: number, announce: Announce): void {
  const writer = new ByteWriter(bytes, offset + HEADER_BYTES);
  writer.u16be(announce.symbolBytes).u8(KINDS.indexOf(announce.kind));
  writer.u8(STATES.indexOf(announce.state)).u32be(announce.chunkCount);
  writer.u32be(announce.recordBytesMax).u16be(announce.feedbackPort);
  writer.u16be(announce.reportSpreadMs).u16be(announce.membersMin).u16be(announce.members);
  writer.u32be(announce.startsInMs).bytes(announce.imageId);
}

export function announceMessage(announce: Announce): OutgoingMessage {
  return {
    type: MessageType.announce,
    flags: 0,
    length: ANNOUNCE_BYTES,
    write: (bytes, offset) => {
      writeAnnounce(bytes, offset, announce);
    },
  };
}
