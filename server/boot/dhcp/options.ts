/**
 * DHCP options: their numbers with the sources, and readers for values with a structure.
 *
 * All options are kept as bytes, also unknown ones. A reader looks at the bytes of one option and
 * gives undefined if they are too few for what its RFC demands. So a malformed option counts as
 * absent and is never an error: firmware that gets one option wrong must still boot. Of a value
 * that is too long the first bytes count: some firmware sends an option twice, which RFC 3396
 * joins, or with padding. message.ts splits and joins the option fields.
 */
import type { Ipv4 } from "../addresses.ts";
import { ipv4FromNumber } from "../addresses.ts";

/** Option numbers (RFC 2132 if nothing else is said). */
export const Option = {
  pad: 0,
  subnetMask: 1,
  router: 3,
  dns: 6,
  broadcastAddress: 28,
  requestedAddress: 50,
  leaseSeconds: 51,
  overload: 52,
  messageType: 53,
  serverIdentifier: 54,
  renewalSeconds: 58,
  rebindingSeconds: 59,
  vendorClass: 60,
  clientIdentifier: 61,
  bootFileName: 67,
  /** RFC 3004. */
  userClass: 77,
  /** RFC 3046; a server echoes it as the last option. */
  relayInformation: 82,
  /** RFC 4578 2.1. */
  clientArchitecture: 93,
  /** RFC 4578 2.3. */
  clientGuid: 97,
  /** iPXE's encapsulated options (Etherboot's number, not assigned by IANA). */
  ipxe: 175,
  end: 255,
} as const;

/** Message types, option 53 (RFC 2132 9.6). */
export const DhcpMessageType = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
  inform: 8,
} as const;

/** iPXE's sub-option 176, "no-pxedhcp": tells it not to wait 2 s for a proxyDHCP server. */
export const IPXE_NO_PROXY: Uint8Array = Uint8Array.of(0xb0, 0x01, 0x01);

/** Values by option number; a value is all bytes of its option, joined (RFC 3396). */
export type OptionMap = ReadonlyMap<number, Uint8Array>;

/** Reads an option of one byte; undefined if it is absent or malformed. */
export function optionU8(options: OptionMap, code: number): number | undefined {
  const value = options.get(code);
  return value?.[0];
}

/**
 * Reads the first 16-bit number of an option; undefined if it is absent or malformed. Option 93 may
 * list several, and the first one is the program that runs now.
 */
export function optionU16(options: OptionMap, code: number): number | undefined {
  const value = options.get(code);
  if (value === undefined || value.byteLength < 2) return undefined;
  return ((value[0] ?? 0) << 8) | (value[1] ?? 0);
}

/** Reads an option that is one IPv4 address; undefined if it is absent or malformed. */
export function optionAddress(options: OptionMap, code: number): Ipv4 | undefined {
  const value = options.get(code);
  if (value === undefined || value.byteLength < 4) return undefined;
  return ipv4FromNumber(new DataView(value.buffer, value.byteOffset, 4).getUint32(0));
}

/**
 * Reads an option that is text, as Latin-1; undefined if it is absent. NULs at its end, which some
 * servers and ROMs add, are cut off.
 */
export function optionText(options: OptionMap, code: number): string | undefined {
  const value = options.get(code);
  return value === undefined ? undefined : latin1(value).replace(/\0+$/, "");
}

/**
 * Reads option 77 in both forms that exist: the length-prefixed classes of RFC 3004, and the bare
 * string of iPXE. Bytes that are not a well-formed list count as one bare string.
 */
export function userClasses(options: OptionMap): readonly string[] {
  const value = options.get(Option.userClass);
  if (value === undefined || value.byteLength === 0) return [];
  const classes: string[] = [];
  let offset = 0;
  while (offset < value.byteLength) {
    const length = value[offset] ?? 0;
    const end = offset + 1 + length;
    if (length === 0 || end > value.byteLength) return [latin1(value).replace(/\0+$/, "")];
    classes.push(latin1(value.subarray(offset + 1, end)));
    offset = end;
  }
  return classes;
}

/**
 * Reads an option that contains options (175): code, length, bytes; 255 ends it, 0 is padding (RFC
 * 2132 8.4).
 *
 * @returns Views by sub-option; undefined if a length points outside.
 */
export function encapsulated(value: Uint8Array): OptionMap | undefined {
  const inner = new Map<number, Uint8Array>();
  let offset = 0;
  while (offset < value.byteLength) {
    const code = value[offset] ?? 0;
    offset += 1;
    if (code === Option.end) return inner;
    if (code === Option.pad) continue;
    const end = offset + 1 + (value[offset] ?? value.byteLength);
    if (end > value.byteLength) return undefined;
    inner.set(code, value.subarray(offset + 1, end));
    offset = end;
  }
  return inner;
}

/**
 * Encodes text for an option or a header field, one byte per character. Other characters than
 * Latin-1 are our bug and become "?".
 */
export function textBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => {
    const code = character.charCodeAt(0);
    return code < 256 ? code : 0x3f;
  });
}

function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}
