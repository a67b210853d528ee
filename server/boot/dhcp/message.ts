/**
 * The DHCP message: fixed BOOTP header, magic cookie, options (RFC 2131 section 2, RFC 2132).
 *
 * Two rules make reading more than walking a list. The options may go on in the header's `file` and
 * `sname` fields (option 52, "overload"), and one option may come in several pieces, which are
 * joined in order (RFC 3396). Option 52 inside an overloaded field is ignored, so reading cannot
 * loop. Options that are cut off or have no end count as far as they go, and bytes behind
 * {@link READ_BYTES_MAX} are not looked at: firmware that gets its last option wrong must still
 * boot. Writing never overloads, because our
 * answers fit the 576 bytes that every client takes.
 *
 *     0   op      1   htype   2   hlen    3   hops    4   xid     8   secs    10  flags
 *     12  ciaddr  16  yiaddr  20  siaddr  24  giaddr  28  chaddr  44  sname   108 file
 *     236 cookie  240 options
 */
import assert from "node:assert/strict";
import { ByteReader, ByteWriter } from "../../../shared/core/bytes.ts";
import { FormatError } from "../../../shared/core/errors.ts";
import type { Ipv4, Mac } from "../addresses.ts";
import { ipv4Bytes, ipv4FromNumber, macFromBytes, parseMac } from "../addresses.ts";
import { Option, textBytes } from "./options.ts";
import type { OptionMap } from "./options.ts";

/** A DHCP message, read or to be written. */
export interface DhcpMessage {
  /** 1 = from a client, 2 = from a server. */
  readonly operation: 1 | 2;
  /** How many relays it has passed. */
  readonly hops: number;
  /** Chosen by the client and echoed by servers. */
  readonly transactionId: number;
  /** Time since the client began. Unit: seconds. */
  readonly seconds: number;
  /** True if the client cannot receive unicast before it has its address. */
  readonly broadcast: boolean;
  /** `ciaddr`: the address the client already uses. */
  readonly clientAddress: Ipv4;
  /** `yiaddr`: the address the server gives. */
  readonly yourAddress: Ipv4;
  /** `siaddr`: where the boot file is. */
  readonly nextServer: Ipv4;
  /** `giaddr`: the relay that forwarded the message. */
  readonly relayAddress: Ipv4;
  /** `chaddr`: the client's Ethernet address. */
  readonly mac: Mac;
  /** `sname` as text; empty if it is overloaded or unset. */
  readonly serverName: string;
  /** `file` as text; empty if it is overloaded or unset. */
  readonly bootFile: string;
  /** By option number. In a message that was read, values are views into the bytes read. */
  readonly options: OptionMap;
}

/**
 * Most bytes of a message that are read.
 *
 * @internal A test uses it.
 */
export const READ_BYTES_MAX = 4096;
/**
 * Largest message written: an Ethernet frame without IP and UDP headers (1500 - 28).
 */
const MESSAGE_BYTES_MAX = 1472;
/**
 * Smallest message sent: BOOTP clients drop shorter ones (RFC 951 section 3, RFC 1542 section 2.1).
 *
 * @internal A test uses it.
 */
export const MESSAGE_BYTES_MIN = 300;

/**
 * Reads one UDP payload. The result borrows the bytes. The caller counts and drops what throws.
 *
 * @throws {@link FormatError} `truncated`, `bad_operation`, `not_ethernet`, `bad_cookie`.
 */
export function readMessage(datagram: Uint8Array): DhcpMessage {
  const bytes = datagram.subarray(0, READ_BYTES_MAX);
  const reader = new ByteReader(bytes, "DHCP message");
  const operation = reader.u8();
  const hardware = reader.u8() * 256 + reader.u8();
  const hops = reader.u8();
  const transactionId = reader.u32be();
  const seconds = reader.u16be();
  const flags = reader.u16be();
  const [clientAddress, yourAddress, nextServer, relayAddress] = [0, 1, 2, 3].map(() =>
    ipv4FromNumber(reader.u32be()),
  ) as [Ipv4, Ipv4, Ipv4, Ipv4];
  const mac = macFromBytes(reader.view(6));
  reader.at(SNAME_OFFSET);
  const sname = reader.view(FILE_OFFSET - SNAME_OFFSET);
  const file = reader.view(COOKIE_OFFSET - FILE_OFFSET);
  if (operation !== 1 && operation !== 2)
    throw bad("bad_operation", `op ${operation}, 1 or 2 wanted`);
  if (hardware !== ETHERNET)
    throw bad("not_ethernet", `htype and hlen ${hardware.toString(16)}, 106 wanted`);
  if (reader.u32be() !== MAGIC_COOKIE) throw bad("bad_cookie", "no DHCP magic cookie");
  const options = new Map<number, Uint8Array>();
  readOptions(bytes.subarray(reader.offset), options);
  const overload = overloadOf(options);
  if ((overload & 1) !== 0) readOptions(file, options);
  if ((overload & 2) !== 0) readOptions(sname, options);
  return {
    operation,
    hops,
    transactionId,
    seconds,
    broadcast: (flags & BROADCAST_FLAG) !== 0,
    clientAddress,
    yourAddress,
    nextServer,
    relayAddress,
    mac,
    serverName: (overload & 2) === 0 ? new ByteReader(sname, "sname").latin1(sname.byteLength) : "",
    bootFile: (overload & 1) === 0 ? new ByteReader(file, "file").latin1(file.byteLength) : "",
    options,
  };
}

/**
 * Gives the client's Ethernet address without reading the rest; undefined if there is none. So it
 * can be told cheaply whether a message is worth reading.
 */
export function senderOf(bytes: Uint8Array): Mac | undefined {
  if (bytes.byteLength < COOKIE_OFFSET || bytes[1] !== 1 || bytes[2] !== 6) return undefined;
  return macFromBytes(bytes.subarray(CHADDR_OFFSET, CHADDR_OFFSET + 6));
}

/**
 * Writes a message. Options keep the map's order, except that 53 comes first and 82 last (RFC 3046
 * section 2.1). Values above 255 bytes are split (RFC 3396). Names that do not fit their header
 * field are our bug.
 *
 * @returns New bytes, {@link MESSAGE_BYTES_MIN} .. {@link MESSAGE_BYTES_MAX}.
 */
export function writeMessage(message: DhcpMessage): Uint8Array {
  const buffer = new Uint8Array(MESSAGE_BYTES_MAX);
  const writer = new ByteWriter(buffer);
  writer.u8(message.operation).u16be(ETHERNET).u8(message.hops).u32be(message.transactionId);
  writer.u16be(message.seconds).u16be(message.broadcast ? BROADCAST_FLAG : 0);
  for (const address of [
    message.clientAddress,
    message.yourAddress,
    message.nextServer,
    message.relayAddress,
  ]) {
    writer.bytes(ipv4Bytes(address));
  }
  for (const pair of parseMac(message.mac).split(":")) writer.u8(Number.parseInt(pair, 16));
  writer.at(SNAME_OFFSET).bytes(field(message.serverName, FILE_OFFSET - SNAME_OFFSET));
  writer.at(FILE_OFFSET).bytes(field(message.bootFile, COOKIE_OFFSET - FILE_OFFSET));
  writer.at(COOKIE_OFFSET).u32be(MAGIC_COOKIE);
  for (const [code, value] of inWireOrder(message.options)) writeOption(writer, code, value);
  writer.u8(Option.end);
  return buffer.subarray(0, Math.max(writer.offset, MESSAGE_BYTES_MIN));
}

const CHADDR_OFFSET = 28;
const SNAME_OFFSET = 44;
const FILE_OFFSET = 108;
const COOKIE_OFFSET = 236;
/** RFC 2131 section 3: 99.130.83.99. */
const MAGIC_COOKIE = 0x63825363;
/** htype 1 and hlen 6 as one number: only Ethernet boots here. */
const ETHERNET = 0x0106;
const BROADCAST_FLAG = 0x8000;
/** Most bytes in one piece of an option: its length is one byte. */
const PIECE_BYTES_MAX = 255;

function readOptions(bytes: Uint8Array, into: Map<number, Uint8Array>): void {
  let offset = 0;
  while (offset < bytes.byteLength) {
    const code = bytes[offset] ?? 0;
    offset += 1;
    if (code === Option.end) return;
    if (code === Option.pad) continue;
    const end = offset + 1 + (bytes[offset] ?? bytes.byteLength);
    if (end > bytes.byteLength) return;
    const piece = bytes.subarray(offset + 1, end);
    const before = into.get(code);
    into.set(code, before === undefined ? piece : joined(before, piece));
    offset = end;
  }
}

function overloadOf(options: OptionMap): number {
  const value = options.get(Option.overload);
  return (value?.[0] ?? 0) & 3;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.byteLength + second.byteLength);
  both.set(first);
  both.set(second, first.byteLength);
  return both;
}

function field(text: string, sizeBytes: number): Uint8Array {
  const bytes = textBytes(text);
  assert(bytes.byteLength < sizeBytes, `"${text}" does not fit ${sizeBytes} bytes with its NUL`);
  return bytes;
}

function inWireOrder(options: OptionMap): (readonly [number, Uint8Array])[] {
  const rank = (code: number): number => {
    if (code === Option.messageType) return 0;
    return code === Option.relayInformation ? 2 : 1;
  };
  return [...options].sort(([left], [right]) => rank(left) - rank(right));
}

function writeOption(writer: ByteWriter, code: number, value: Uint8Array): void {
  let offset = 0;
  do {
    const piece = value.subarray(offset, offset + PIECE_BYTES_MAX);
    writer.u8(code).u8(piece.byteLength).bytes(piece);
    offset += PIECE_BYTES_MAX;
  } while (offset < value.byteLength);
}

function bad(code: string, what: string): FormatError {
  return new FormatError(code, `Cannot read DHCP message: ${what}`);
}
