/**
 * Which program is asking: told from the options of its DHCP message.
 *
 * The order of the questions matters. A Raspberry Pi claims to be an x86 BIOS (93 = 0), so it is
 * looked for first; iPXE copies the vendor class of the firmware below it, so it is told by user
 * class 77 or option 175 before 60 and 93 are believed. Architectures are those of RFC 4578 2.1 and
 * its IANA registry, with real firmware's habit: x86-64 UEFI says 7 (registered as "EFI byte code")
 * as well as 9. FIRMWARE.md lists who does what.
 */
import type { LoaderArchitecture } from "../boot-manifest.ts";
import type { DhcpMessage } from "./message.ts";
import { Option, encapsulated, optionText, optionU16, userClasses } from "./options.ts";

/** Processor and firmware interface that a boot file must fit. */
export type Architecture = LoaderArchitecture | "other";

/** The program that asks. */
export interface Firmware {
  /**
   * `ipxe`: iPXE, wants a script; `pxe`: PXE ROM or UEFI PXE, wants a boot file by TFTP; `http`:
   * UEFI HTTP boot, wants a URL; `raspberry`: a Raspberry Pi's boot ROM; `none`: not a network
   * boot.
   */
  readonly kind: "ipxe" | "pxe" | "http" | "raspberry" | "none";
  /** What its boot file must fit. */
  readonly architecture: Architecture;
}

/**
 * Tells which program sent a message.
 *
 * @param message - From a client.
 * @returns Its kind and architecture.
 */
export function firmwareOf(message: DhcpMessage): Firmware {
  const architecture = architectureOf(message);
  if (isRaspberry(message)) return { kind: "raspberry", architecture: "other" };
  if (isIpxe(message)) return { kind: "ipxe", architecture };
  const vendorClass = optionText(message.options, Option.vendorClass) ?? "";
  if (vendorClass.startsWith("PXEClient")) return { kind: "pxe", architecture };
  if (vendorClass.startsWith("HTTPClient")) return { kind: "http", architecture };
  return { kind: "none", architecture };
}

/**
 * IEEE prefixes of Raspberry Pi Ltd and its predecessors; their boot ROM is no x86, whatever option
 * 93 says.
 */
const RASPBERRY_PREFIXES: ReadonlySet<string> = new Set([
  "28:cd:c1",
  "2c:cf:67",
  "b8:27:eb",
  "d8:3a:dd",
  "dc:a6:32",
  "e4:5f:01",
]);

/**
 * iPXE's sub-option of 175 with its own version, `b1`/`eb` and features: one of them is always
 * there.
 */
const IPXE_BUS_ID = 0xb1;
const IPXE_VERSION = 0xeb;

const ARCHITECTURES: ReadonlyMap<number, Architecture> = new Map<number, Architecture>([
  [0, "bios"],
  [7, "efi-x64"],
  [9, "efi-x64"],
  [11, "efi-arm64"],
  [16, "efi-x64"],
  [19, "efi-arm64"],
]);

function architectureOf(message: DhcpMessage): Architecture {
  const code = optionU16(message.options, Option.clientArchitecture);
  return code === undefined ? "other" : (ARCHITECTURES.get(code) ?? "other");
}

/** A Pi's own boot ROM asks as plain PXE; iPXE or an operating system on a Pi does not. */
function isRaspberry(message: DhcpMessage): boolean {
  if (!RASPBERRY_PREFIXES.has(message.mac.slice(0, 8))) return false;
  return optionText(message.options, Option.vendorClass)?.startsWith("PXEClient") ?? false;
}

function isIpxe(message: DhcpMessage): boolean {
  if (userClasses(message.options).includes("iPXE")) return true;
  const value = message.options.get(Option.ipxe);
  const inner = value === undefined ? undefined : encapsulated(value);
  return inner?.has(IPXE_VERSION) === true || inner?.has(IPXE_BUS_ID) === true;
}
