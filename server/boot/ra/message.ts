/**
 * IPv6 router solicitation and advertisement (RFC 4861 4.1, 4.2, 4.6), as far as iPXE needs them.
 *
 * On a link without a router, iPXE with IPv6 waits 16 s for an answer before it goes on. Our
 * advertisement says: no router here (lifetime 0), no DHCPv6, and this is the prefix of the link.
 * The checksum stays zero: the kernel fills it in for raw ICMPv6 sockets (RFC 3542 3.1).
 */
import { ByteReader, ByteWriter } from "../../../shared/core/bytes.ts";
import { FormatError } from "../../../shared/core/errors.ts";
import type { Mac } from "../addresses.ts";
import { macFromBytes, parseMac } from "../addresses.ts";

/** ICMPv6 type of a router solicitation. */
export const ROUTER_SOLICITATION = 133;
/** ICMPv6 type of a router advertisement. */
const ROUTER_ADVERTISEMENT = 134;
/** Largest solicitation read; real ones have 16 bytes. */
const SOLICITATION_BYTES_MAX = 256;

/**
 * Reads a router solicitation, an ICMPv6 message without its IPv6 header. The caller counts and
 * drops what throws.
 *
 * @returns The sender's MAC; undefined if the message does not have it.
 * @throws {@link FormatError} `truncated`, `too_big`, `bad_type`, `bad_option`.
 */
export function readSolicitation(bytes: Uint8Array): Mac | undefined {
  const reader = new ByteReader(bytes, "router solicitation");
  const type = reader.u8() * 256 + reader.u8();
  reader.skip(6);
  if (bytes.byteLength > SOLICITATION_BYTES_MAX) {
    throw bad("too_big", `${bytes.byteLength} bytes, at most ${SOLICITATION_BYTES_MAX} wanted`);
  }
  if (type !== ROUTER_SOLICITATION * 256)
    throw bad("bad_type", `type and code ${type}, 133 and 0 wanted`);
  let mac: Mac | undefined;
  while (reader.left > 0) {
    const option = reader.u8();
    const octets = reader.u8() * 8;
    if (octets === 0) throw bad("bad_option", "an option of length 0");
    const value = reader.view(octets - 2);
    if (option === SOURCE_LINK_LAYER && octets === 8) mac = macFromBytes(value);
  }
  return mac;
}

/**
 * Writes our router advertisement.
 *
 * @param mac - Of the interface that it is sent on.
 * @returns New bytes: 16 of header, 32 of prefix, 8 of link-layer address.
 */
export function writeAdvertisement(mac: Mac): Uint8Array {
  const bytes = new Uint8Array(56);
  const writer = new ByteWriter(bytes);
  writer.u8(ROUTER_ADVERTISEMENT).u8(0).u16be(0);
  writer.u8(HOP_LIMIT).u8(NO_DHCPV6).u16be(NOT_A_ROUTER).u32be(0).u32be(0);
  writer
    .u8(PREFIX_INFORMATION)
    .u8(4)
    .u8(64)
    .u8(ON_LINK | AUTONOMOUS);
  writer.u32be(PREFIX_SECONDS).u32be(PREFIX_SECONDS).u32be(0);
  writer.u16be(PREFIX_FIRST_GROUP).zeros(14);
  writer.u8(SOURCE_LINK_LAYER).u8(1);
  for (const pair of parseMac(mac).split(":")) writer.u8(Number.parseInt(pair, 16));
  return bytes;
}

const SOURCE_LINK_LAYER = 1;
const PREFIX_INFORMATION = 3;
const ON_LINK = 0x80;
const AUTONOMOUS = 0x40;
const HOP_LIMIT = 64;
const NO_DHCPV6 = 0;
/** Router lifetime 0: no host sends anything through us. Unit: seconds. */
const NOT_A_ROUTER = 0;
/** fd77::/64, a unique local prefix (RFC 4193). */
const PREFIX_FIRST_GROUP = 0xfd77;
/**
 * Long enough for a boot. A receiver or system that keeps the address loses it soon after. Unit:
 * seconds.
 */
const PREFIX_SECONDS = 600;

function bad(code: string, what: string): FormatError {
  return new FormatError(code, `Cannot read router solicitation: ${what}`);
}
