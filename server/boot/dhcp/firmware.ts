/**
 * Tells from the options of a DHCP message which program sent it.
 *
 * The order of the checks matters. A Raspberry Pi claims to be an x86 BIOS (93 = 0), so it is
 * checked first. iPXE copies the vendor class of the firmware below it, so user class 77 and option
 * 175 are checked before 60 and 93. Architectures are those of RFC 4578 2.1 and its IANA registry;
 * real x86-64 UEFI also says 7 (registered as "EFI byte code") instead of 9. FIRMWARE.md lists what
 * each firmware does.
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
  /** The architecture that its boot file must fit. */
  readonly architecture: Architecture;
}

/** Tells kind and architecture of the program that sent a message. */
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
 * IEEE prefixes of Raspberry Pi Ltd and its predecessors. Their boot ROM is not x86, whatever
 * option 93 says.
 */
const RASPBERRY_PREFIXES: ReadonlySet<string> = new Set([
  "28:cd:c1",
  "2c:cf:67",
  "b8:27:eb",
  "d8:3a:dd",
  "dc:a6:32",
  "e4:5f:01",
]);

/** iPXE's sub-options of 175 with its bus id and its version; at least one is always there. */
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

/** Option 60 repeats option 93 (PXE 2.1 table 2-1), which some firmware leaves out. */
function architectureOf(message: DhcpMessage): Architecture {
  const vendorClass = optionText(message.options, Option.vendorClass) ?? "";
  const repeated = /^(?:PXE|HTTP)Client:Arch:(\d{5})/.exec(vendorClass)?.[1];
  const code =
    optionU16(message.options, Option.clientArchitecture) ??
    (repeated === undefined ? undefined : Number(repeated));
  return code === undefined ? "other" : (ARCHITECTURES.get(code) ?? "other");
}

/** The boot ROM of a Pi asks as plain PXE; iPXE or an operating system on a Pi does not. */
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
