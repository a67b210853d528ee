/**
 * CTL: short messages of the sender: "your report has arrived", "the session is over", "this is
 * your number".
 *
 * Layout: WIRE.md section 3.6. Version 1 has no operations from 4 up; messages with them are
 * dropped.
 */
import type { ByteReader } from "../core/bytes.ts";
import { ByteWriter } from "../core/bytes.ts";
import { FormatError } from "../core/errors.ts";
import { HEADER_BYTES, expectEnd, inRange, MessageType } from "./header.ts";
import type { OutgoingMessage } from "./message.ts";
import { TAG_BYTES } from "./tag.ts";

/** Length of a CTL without its argument. Unit: bytes. */
const CONTROL_FIXED_BYTES = HEADER_BYTES + 4 + TAG_BYTES;
const OP_ACK = 1;
const OP_END = 2;
const OP_MEMBER = 3;
/** Longest reason of an end. Unit: bytes of UTF-8. */
export const REASON_BYTES_MAX = 200;
const OUTCOMES = ["complete", "partial", "aborted"] as const;

/** How a session ended. */
export type SessionOutcome = (typeof OUTCOMES)[number];

export type Control =
  /** To one receiver: its report of its own end has arrived, it may leave. */
  | { readonly op: "ack"; readonly node: number }
  /** To the receiver of a cast that reported as `node`: its number is `given` from now on. */
  | { readonly op: "member"; readonly node: number; readonly given: number }
  /** To all: nothing more will be sent. `reason`: at most 200 bytes of UTF-8. */
  | { readonly op: "end"; readonly outcome: SessionOutcome; readonly reason: string };

/**
 * @param reader - From `bodyReader`.
 * @throws {@link FormatError} `truncated`, `trailing_bytes`, `field_range`, `unknown_operation`:
 *   count and drop.
 */
export function readControl(reader: ByteReader): Control {
  const op = reader.u8();
  inRange(reader.u8(), [0, 0], "reserved byte");
  const length = reader.u16be();
  inRange(length, [reader.left, reader.left], "length of arguments");
  if (op === OP_ACK) {
    const node = reader.u32be();
    expectEnd(reader);
    return { op: "ack", node };
  }
  if (op === OP_END) {
    const outcome = OUTCOMES[inRange(reader.u8(), [0, OUTCOMES.length - 1], "outcome")];
    const reasonBytes = inRange(reader.left, [0, REASON_BYTES_MAX], "length of the reason");
    return { op: "end", outcome: outcome ?? "aborted", reason: utf8(reader.view(reasonBytes)) };
  }
  if (op === OP_MEMBER) {
    const node = reader.u32be();
    const given = reader.u32be();
    expectEnd(reader);
    return { op: "member", node, given };
  }
  throw new FormatError("unknown_operation", `Cannot read CTL: operation ${op}, 1 to 3 wanted`);
}

function writeControl(bytes: Uint8Array, offset: number, control: Control): void {
  const writer = new ByteWriter(bytes, offset + HEADER_BYTES);
  if (control.op === "ack") {
    writer.u8(OP_ACK).u8(0).u16be(4).u32be(control.node);
  } else if (control.op === "member") {
    writer.u8(OP_MEMBER).u8(0).u16be(8).u32be(control.node).u32be(control.given);
  } else {
    const reason = reasonBytesOf(control.reason);
    writer
      .u8(OP_END)
      .u8(0)
      .u16be(1 + reason.length);
    writer.u8(OUTCOMES.indexOf(control.outcome)).bytes(reason);
  }
}

/**
 * @returns The reason as UTF-8, cut to {@link REASON_BYTES_MAX}; a character that is cut in two
 *   reads as U+FFFD.
 */
export function reasonBytesOf(reason: string): Uint8Array {
  return Buffer.from(reason, "utf8").subarray(0, REASON_BYTES_MAX);
}

/**
 * Decodes text from the arena.
 *
 * @param bytes - May be shared memory; copied.
 * @returns The text; bytes that are not UTF-8 read as U+FFFD.
 */
export function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("utf8");
}

export function controlMessage(control: Control): OutgoingMessage {
  const argumentBytes = argumentBytesOf(control);
  return {
    type: MessageType.control,
    flags: 0,
    length: CONTROL_FIXED_BYTES + argumentBytes,
    write: (bytes, offset) => {
      writeControl(bytes, offset, control);
    },
  };
}

function argumentBytesOf(control: Control): number {
  if (control.op === "end") return 1 + reasonBytesOf(control.reason).length;
  return control.op === "member" ? 8 : 4;
}
