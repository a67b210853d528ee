/**
 * IPv4 addresses, masks and MAC addresses, as the boot services compare them.
 *
 * Each has one text form, so that comparing is `===`: IPv4 as dotted decimal without leading zeros,
 * MAC as lower-case hex pairs with colons. Arithmetic uses the 32-bit number of an address. Nothing
 * here resolves names.
 */
import { FormatError } from "../../shared/core/errors.ts";

/** An IPv4 address, dotted decimal without leading zeros. */
export type Ipv4 = string;
/** A MAC address, lower-case hex pairs with colons. */
export type Mac = string;

/** "No address": what a PXE client sends before it has one. */
export const NO_ADDRESS: Ipv4 = "0.0.0.0";
/** The limited broadcast (RFC 919): reaches every host on the link, even one without an address. */
export const BROADCAST_ADDRESS: Ipv4 = "255.255.255.255";

/**
 * Gives the number of an IPv4 address, 0 .. 2^32-1.
 *
 * @throws {@link FormatError} `bad_address`.
 */
export function ipv4ToNumber(text: Ipv4): number {
  const parts = text.split(".");
  let value = 0;
  for (const part of parts) {
    const octet = /^(0|[1-9]\d{0,2})$/.test(part) ? Number(part) : 256;
    if (octet > 255 || parts.length !== 4) {
      throw new FormatError(
        "bad_address",
        `Cannot read address "${text}": four numbers of 0 to 255 wanted`,
      );
    }
    value = value * 256 + octet;
  }
  return value;
}

/** Writes the IPv4 address of a number, 0 .. 2^32-1. */
export function ipv4FromNumber(value: number): Ipv4 {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join(".");
}

/**
 * Gives the four bytes of an address in network order, newly made.
 *
 * @throws {@link FormatError} `bad_address`.
 */
export function ipv4Bytes(text: Ipv4): Uint8Array {
  const value = ipv4ToNumber(text);
  return Uint8Array.from([24, 16, 8, 0], (shift) => (value >>> shift) & 0xff);
}

/**
 * Whether an address lies in the subnet of `member`.
 *
 * @throws {@link FormatError} `bad_address`.
 */
export function inSubnet(address: Ipv4, member: Ipv4, netmask: Ipv4): boolean {
  const mask = ipv4ToNumber(netmask);
  return (ipv4ToNumber(address) & mask) === (ipv4ToNumber(member) & mask);
}

/**
 * Gives the broadcast address of a subnet: all host bits set.
 *
 * @param member - Any address of the subnet.
 * @throws {@link FormatError} `bad_address`.
 */
export function subnetBroadcast(member: Ipv4, netmask: Ipv4): Ipv4 {
  return ipv4FromNumber((ipv4ToNumber(member) | ~ipv4ToNumber(netmask)) >>> 0);
}

/**
 * Reads a MAC address in any of the usual notations: six hex pairs with colons, dashes or nothing
 * between them.
 *
 * @throws {@link FormatError} `bad_mac`.
 */
export function parseMac(text: string): Mac {
  const digits = text.toLowerCase().replace(/[:-]/g, "");
  if (text.length <= MAC_TEXT_MAX && /^[0-9a-f]{12}$/.test(digits)) {
    return (digits.match(/../g) ?? []).join(":");
  }
  throw new FormatError("bad_mac", `Cannot read MAC address "${text}": six hex pairs wanted`);
}

/** Writes the six bytes of a MAC address. */
export function macFromBytes(bytes: Uint8Array): Mac {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** Writes a MAC address with dashes, as URL paths and `BOOTIF=` need it. */
export function macWithDashes(mac: Mac): string {
  return mac.replaceAll(":", "-");
}

/** Six pairs and five separators. */
const MAC_TEXT_MAX = 17;
