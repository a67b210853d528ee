/**
 * PROBE: a datagram as long as DATA that carries nothing. It shows whether multicast of this length
 * reaches a receiver.
 *
 * Sent in series before anything is erased. Layout: WIRE.md section 3.7.
 */
import type { ByteReader } from "../core/bytes.ts";
import { ByteWriter } from "../core/bytes.ts";
import { DATA_OVERHEAD_BYTES } from "./data.ts";
import { HEADER_BYTES, inRange, MessageType } from "./header.ts";
import type { OutgoingMessage } from "./message.ts";

/** Most datagrams of a series. */
const PROBES_MAX = 1024;

export interface Probe {
  /** Number of this datagram in its series, from 0. */
  readonly index: number;
  /** Datagrams of the series, 1 .. 1024. */
  readonly count: number;
  /** Number of the series, from 1. */
  readonly series: number;
}

/**
 * Reads the body; the padding is not read.
 *
 * @param reader - From `bodyReader`.
 * @throws {@link FormatError} `truncated`, `field_range`: count and drop.
 */
export function readProbe(reader: ByteReader): Probe {
  const index = reader.u32be();
  const count = inRange(reader.u32be(), [1, PROBES_MAX], "probes of a series");
  inRange(index, [0, count - 1], "index of a probe");
  return { index, count, series: reader.u32be() };
}

function writeProbe(bytes: Uint8Array, offset: number, probe: Probe, symbolBytes: number): void {
  const writer = new ByteWriter(bytes, offset + HEADER_BYTES);
  writer
    .u32be(probe.index)
    .u32be(probe.count)
    .u32be(probe.series)
    .zeros(symbolBytes - 4);
}

/** @param symbolBytes - The session's symbol length: a probe is as long as its DATA. */
export function probeMessage(probe: Probe, symbolBytes: number): OutgoingMessage {
  return {
    type: MessageType.probe,
    flags: 0,
    length: symbolBytes + DATA_OVERHEAD_BYTES,
    write: (bytes, offset) => {
      writeProbe(bytes, offset, probe, symbolBytes);
    },
  };
}
