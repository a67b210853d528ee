/**
 * The gate record: the content of the first sector of a disk, or of a partition, while its gate is
 * closed. It names the image that the disk waits for, so that a node that lost power knows what it
 * was doing, and it has no boot signature. FORMAT.md section 8.
 */
import { ByteReader, ByteWriter } from "../core/bytes.ts";
import { crc32c, DIGEST_BYTES } from "../core/digest.ts";
import { FormatError } from "../core/errors.ts";

/** Length of a gate record; on larger sectors zeros follow. */
const GATE_RECORD_BYTES = 512;
/** Longest order id. Unit: bytes of UTF-8. */
const ORDER_ID_BYTES_MAX = 64;
/** "HUCKGATE". */
const GATE_MAGIC = 0x4855434b47415445n;
const GATE_VERSION = 1;
const GATE_MESSAGE =
  "huck: imaging of this disk is incomplete. It will not boot. Load an image again.";
const GATE_MESSAGE_OFFSET = 256;
const GATE_CHECKSUM_OFFSET = 252;

/** The content of a gate record. */
export interface GateRecord {
  /** The order that closed the gate. */
  readonly orderId: string;
  /** The image that the disk waits for, 32 bytes. */
  readonly imageId: Uint8Array;
}

/**
 * @returns 512 fresh bytes without the signature 0x55AA: no firmware boots them.
 * @throws {@link FormatError} `bad_order_id` if the id is longer than 64 bytes.
 */
export function encodeGateRecord(record: GateRecord): Uint8Array {
  const orderId = new TextEncoder().encode(record.orderId);
  if (orderId.byteLength > ORDER_ID_BYTES_MAX) {
    throw new FormatError(
      "bad_order_id",
      `Cannot close gate: order id has ${orderId.byteLength} bytes, ` +
        `at most ${ORDER_ID_BYTES_MAX} wanted`,
    );
  }
  const bytes = new Uint8Array(GATE_RECORD_BYTES);
  new ByteWriter(bytes)
    .u64be(GATE_MAGIC)
    .u16be(GATE_VERSION)
    .u16be(orderId.byteLength)
    .bytes(record.imageId)
    .bytes(orderId);
  new ByteWriter(bytes, GATE_MESSAGE_OFFSET).bytes(new TextEncoder().encode(GATE_MESSAGE));
  new ByteWriter(bytes, GATE_CHECKSUM_OFFSET).u32be(
    crc32c(bytes.subarray(0, GATE_CHECKSUM_OFFSET)),
  );
  return bytes;
}

/**
 * Reads the gate record of a disk.
 *
 * @param sector - First sector of the disk, at least 512 bytes.
 * @returns Undefined if huck did not close the gate of this disk.
 */
export function decodeGateRecord(sector: Uint8Array): GateRecord | undefined {
  const reader = new ByteReader(sector, "gate record");
  if (sector.byteLength < GATE_RECORD_BYTES || reader.u64be() !== GATE_MAGIC) return undefined;
  const checksum = new ByteReader(sector, "gate record", GATE_CHECKSUM_OFFSET).u32be();
  if (crc32c(sector.subarray(0, GATE_CHECKSUM_OFFSET)) !== checksum) return undefined;
  const version = reader.u16be();
  const orderBytes = reader.u16be();
  if (version !== GATE_VERSION || orderBytes > ORDER_ID_BYTES_MAX) return undefined;
  const imageId = new Uint8Array(reader.view(DIGEST_BYTES));
  const orderId = new TextDecoder().decode(reader.view(orderBytes));
  return { orderId, imageId };
}
