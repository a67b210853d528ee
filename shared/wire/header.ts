/**
 * The 16 bytes that every datagram begins with, and the rules that hold for all of them.
 *
 * From these bytes alone, before it reads anything else, a receiver decides whether a datagram is
 * of its session and of a known type. Datagrams of an unknown version or type, or with an unknown
 * flag, are dropped and counted. Layout: WIRE.md section 2.
 *
 *     offset  0      2            3      4     12
 *             magic  version|type flags  sid   seq     big-endian
 */
import { ByteReader } from "../core/bytes.ts";
import { FormatError } from "../core/errors.ts";
import { TAG_BYTES } from "./tag.ts";

/** Bytes of the common header. */
export const HEADER_BYTES = 16;
/**
 * Overhead of a datagram on an Ethernet: 20 IPv4, 8 UDP, 14 header, 4 check sequence, 8 preamble,
 * 12 gap. Rates in messages include it. Unit: bytes.
 */
export const FRAME_OVERHEAD_BYTES = 66;
/** "hu" in ASCII. */
const MAGIC = 0x6875;
const VERSION = 1;
/** Numbers that the type field can hold. */
const TYPES = 16;
/** Marks a number that is no message of an end; no flags byte has this value. */
const REFUSED_TYPE = 0x100;
/** Length that any message may have, however short a symbol is. Unit: bytes. */
const MESSAGE_BYTES_FLOOR = 576;

/**
 * Bits of the flags byte. 0x02 (key phase) and 0x20 (signed) are reserved and must be 0 in version
 * 1.
 */
export const Flag = {
  /** DATA: sent because a receiver lacked something. */
  repair: 0x01,
  /** SYNC: an echo is wanted even from receivers that lack nothing. */
  echo: 0x04,
  /** Sent to one receiver; not counted in `seq`. */
  unicast: 0x08,
  /** SYNC: a REPORT is wanted soon. */
  report: 0x10,
} as const;

/** Each message: its number, the end that says it, the flags it may carry (WIRE.md section 2). */
const MESSAGES = {
  data: { number: 1, from: "sender", flags: Flag.repair },
  sync: { number: 2, from: "sender", flags: Flag.echo | Flag.report },
  adv: { number: 3, from: "sender", flags: 0 },
  nack: { number: 4, from: "receiver", flags: 0 },
  control: { number: 5, from: "sender", flags: Flag.unicast },
  probe: { number: 6, from: "sender", flags: 0 },
  announce: { number: 7, from: "sender", flags: 0 },
  report: { number: 8, from: "receiver", flags: 0 },
} as const;

type Messages = typeof MESSAGES;
type NumberFrom<End> = {
  [Name in keyof Messages]: Messages[Name] extends { readonly from: End }
    ? Messages[Name]["number"]
    : never;
}[keyof Messages];
/** Number of a message that the sender says. */
export type SenderMessageType = NumberFrom<"sender">;
/** Number of a message that a receiver says. */
export type ReceiverMessageType = NumberFrom<"receiver">;
/** Number of a message. */
export type MessageType = SenderMessageType | ReceiverMessageType;

/** Number of each message on the wire. */
export const MessageType = Object.fromEntries(
  Object.entries(MESSAGES).map(([name, { number }]) => [name, number]),
) as { readonly [Name in keyof Messages]: Messages[Name]["number"] };

/** Flags that a type must not carry, by the end that says it and by type number. */
const REFUSED_FLAGS = { sender: refusedFlags("sender"), receiver: refusedFlags("receiver") };

function refusedFlags(end: "sender" | "receiver"): Uint16Array {
  const refused = new Uint16Array(TYPES).fill(REFUSED_TYPE);
  for (const { number, from, flags } of Object.values(MESSAGES)) {
    if (from === end) refused[number] = 0xff & ~flags;
  }
  return refused;
}

/** A session's name in two halves, so that comparing it allocates nothing. */
export interface SessionId {
  /** Upper 32 bits. */
  readonly high: number;
  /** Lower 32 bits. */
  readonly low: number;
}

/** @param sid - 64 bits, unsigned. */
export function splitSid(sid: bigint): SessionId {
  return { high: Number((sid >> 32n) & 0xffffffffn), low: Number(sid & 0xffffffffn) };
}

/**
 * Tells which message of the sender a datagram is.
 *
 * @param offset - Of the datagram.
 * @param length - With the tag.
 * @returns Its type, or 0 when magic, version, type or flags are not those of a sender of version
 *   1, or it is too short.
 */
export function senderMessageType(
  view: DataView,
  offset: number,
  length: number,
): SenderMessageType | 0 {
  return typeFrom(REFUSED_FLAGS.sender, view, offset, length) as SenderMessageType | 0;
}

/**
 * Tells which message of a receiver a datagram is.
 *
 * @param view - The arena.
 * @param offset - Of the datagram.
 * @param length - With the tag.
 * @returns Its type, or 0 when magic, version, type or flags are not those of a receiver of version
 *   1, or it is too short.
 */
export function receiverMessageType(
  view: DataView,
  offset: number,
  length: number,
): ReceiverMessageType | 0 {
  return typeFrom(REFUSED_FLAGS.receiver, view, offset, length) as ReceiverMessageType | 0;
}

function typeFrom(refused: Uint16Array, view: DataView, offset: number, length: number): number {
  if (length < HEADER_BYTES + TAG_BYTES || view.getUint16(offset) !== MAGIC) return 0;
  const kind = view.getUint8(offset + 2);
  const type = kind & 15;
  const wrong = refused[type] ?? REFUSED_TYPE;
  if (kind >> 4 !== VERSION || wrong === REFUSED_TYPE) return 0;
  return (view.getUint8(offset + 3) & wrong) === 0 ? type : 0;
}

/**
 * @param offset - Of a datagram whose type is known.
 * @returns Its flags, a sum of {@link Flag} bits.
 */
export function messageFlags(view: DataView, offset: number): number {
  return view.getUint8(offset + 3);
}

/**
 * @param offset - Of a datagram whose type is known.
 * @returns True when the datagram belongs to it.
 */
export function isOfSession(view: DataView, offset: number, sid: SessionId): boolean {
  return view.getUint32(offset + 8) === sid.low && view.getUint32(offset + 4) === sid.high;
}

/**
 * @param offset - Of a datagram whose type is known.
 * @returns The session that the datagram belongs to.
 */
export function messageSid(view: DataView, offset: number): bigint {
  return view.getBigUint64(offset + 4);
}

/**
 * @param offset - Of a datagram whose type is known.
 * @returns Its sequence number in its sender's count, modulo 2^32.
 */
export function messageSequence(view: DataView, offset: number): number {
  return view.getUint32(offset + 12);
}

/**
 * @param offset - Of a datagram of a receiver, whose type is known.
 * @returns The receiver's number, with which the body of all its messages begins.
 */
export function messageNode(view: DataView, offset: number): number {
  return view.getUint32(offset + HEADER_BYTES);
}

/** The fields of a header. */
export interface HeaderFields {
  readonly type: MessageType;
  /** Sum of {@link Flag} bits. */
  readonly flags: number;
  readonly sid: SessionId;
  /** Sequence number of this datagram in its sender's count. */
  readonly seq: number;
}

export function writeHeader(view: DataView, offset: number, fields: HeaderFields): void {
  view.setUint16(offset, MAGIC);
  view.setUint8(offset + 2, (VERSION << 4) | fields.type);
  view.setUint8(offset + 3, fields.flags);
  view.setUint32(offset + 4, fields.sid.high);
  view.setUint32(offset + 8, fields.sid.low);
  view.setUint32(offset + 12, fields.seq >>> 0);
}

/**
 * Opens the body of a message for reading.
 *
 * @param offset - Of the datagram.
 * @param length - Of the datagram, at least that of header and tag.
 * @returns A reader from the first byte after the header to the last before the tag. Borrowed.
 */
export function bodyReader(bytes: Uint8Array, offset: number, length: number): ByteReader {
  const body = bytes.subarray(offset + HEADER_BYTES, offset + length - TAG_BYTES);
  return new ByteReader(body, "message");
}

/**
 * Checks that a message was read to its end.
 *
 * @param reader - After its last field.
 * @throws {@link FormatError} `trailing_bytes`: count and drop the datagram.
 */
export function expectEnd(reader: ByteReader): void {
  if (reader.left === 0) return;
  throw new FormatError(
    "trailing_bytes",
    `Cannot read message: ${reader.left} bytes after its last field, none wanted`,
  );
}

/**
 * Checks that a field lies in its range.
 *
 * @param range - Least and greatest value allowed.
 * @param what - Name of the field, for the error message.
 * @throws {@link FormatError} `field_range`: count and drop the datagram.
 */
export function inRange(value: number, range: readonly [number, number], what: string): number {
  if (value >= range[0] && value <= range[1]) return value;
  throw new FormatError(
    "field_range",
    `Cannot read message: ${what} is ${value}, ${range[0]} .. ${range[1]} wanted`,
  );
}

/**
 * @param symbolBytes - The session's symbol length.
 * @returns Longest message: as long as a DATA datagram, so that a path that carries data carries
 *   all messages. Unit: bytes, with tag.
 */
export function messageBytesMax(symbolBytes: number): number {
  return Math.max(symbolBytes + 32, MESSAGE_BYTES_FLOOR);
}
