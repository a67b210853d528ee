/**
 * The receiver's options: words on the kernel command line, or the arguments of an ordinary
 * process.
 *
 * Both have the same form, so that a receiver in a test reads what a booted one reads. Unknown
 * words are meant for the kernel and are skipped. A known word with a bad value stops the receiver,
 * and the error says what was found and wanted.
 */
import { FormatError } from "../shared/core/errors.ts";
import { Id128, MacAddress } from "../shared/control/names.ts";

/** Address of the interface the node booted from, as the boot script filled it in. */
export interface IpParameter {
  readonly address: string;
  readonly netmask: string;
  /** Absent if there is no router. */
  readonly gateway?: string;
}

export interface ReceiverOptions {
  /** Base URL of the node API, without a trailing slash. */
  readonly server: string;
  /** Per-boot token: 32 hexadecimal digits. */
  readonly token: string;
  /** Ed25519 public key of the server: 64 hexadecimal digits. */
  readonly key: string;
  /** MAC address of the interface the node booted from. */
  readonly bootMac: string | undefined;
  /** Address from the boot script; without it the interface keeps the address it has. */
  readonly network: IpParameter | undefined;
  /** Interface for multicast data, by kernel name; without it the interface with the boot MAC. */
  readonly dataInterface: string | undefined;
  /** Files that stand for disks: an ordinary process never opens the computer's own disks. */
  readonly diskFiles: readonly string[];
}

/** Longest command line that is read. Linux on x86 passes 2048 characters. */
const COMMAND_LINE_MAX = 4096;
const DISK_FILES_MAX = 16;

/**
 * @param text - As in /proc/cmdline.
 * @throws {@link FormatError} `bad_option`, `missing_option`, `command_line_too_long`.
 */
export function parseReceiverOptions(text: string): ReceiverOptions {
  if (text.length > COMMAND_LINE_MAX) {
    throw new FormatError(
      "command_line_too_long",
      `Cannot read the command line: ${text.length} characters, at most ${COMMAND_LINE_MAX} wanted`,
    );
  }
  const words = text.trim().split(/\s+/);
  const last = (name: string): string | undefined =>
    words.findLast((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
  const diskFiles = words
    .filter((word) => word.startsWith("huck.disk="))
    .map((word) => word.slice(10));
  if (diskFiles.length > DISK_FILES_MAX)
    throw bad("huck.disk", `${diskFiles.length} files`, "16 at most");
  return {
    server: serverUrl(wanted("huck.server", last("huck.server"))),
    token: checked("huck.token", wanted("huck.token", last("huck.token")), Id128),
    key: publicKey(wanted("huck.key", last("huck.key"))),
    bootMac: bootMac(last("BOOTIF")),
    network: ipParameter(last("ip")),
    dataInterface: last("huck.data-interface"),
    diskFiles,
  };
}

function wanted(name: string, value: string | undefined): string {
  if (value !== undefined && value !== "") return value;
  throw new FormatError(
    "missing_option",
    `Cannot start: "${name}=" is missing from the command line`,
  );
}

function checked(
  name: string,
  value: string,
  schema: { safeParse(value: string): { success: boolean } },
): string {
  if (schema.safeParse(value).success) return value;
  throw bad(name, `"${value}"`, "32 hexadecimal digits");
}

function serverUrl(value: string): string {
  const url = URL.parse(value);
  if (url?.protocol === "http:" && url.search === "" && url.hash === "") {
    return url.href.replace(/\/+$/, "");
  }
  throw bad("huck.server", `"${value}"`, "a URL like http://10.0.0.1:8080");
}

function publicKey(value: string): string {
  if (/^[0-9a-f]{64}$/.test(value)) return value;
  throw bad("huck.key", `"${value}"`, "64 hexadecimal digits");
}

/**
 * PXELINUX's form: hardware type, then the address, all joined by dashes.
 *
 * @throws {@link FormatError} `bad_option`.
 */
function bootMac(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const mac = value.toLowerCase().replace(/^01-/, "").replaceAll("-", ":");
  if (MacAddress.safeParse(mac).success) return mac;
  throw bad("BOOTIF", `"${value}"`, "01-52-54-00-12-34-56");
}

/**
 * Reads `<address>::<gateway>:<netmask>:...` as in the kernel's nfsroot.rst; all other fields are
 * ignored.
 *
 * @throws {@link FormatError} `bad_option`.
 */
function ipParameter(value: string | undefined): IpParameter | undefined {
  const [address = "", , gateway = "", netmask = ""] = value?.split(":") ?? [];
  if (!isIpv4(address)) return undefined;
  if (!isIpv4(netmask)) throw bad("ip", `"${value ?? ""}"`, "address::gateway:netmask");
  return { address, netmask, ...(isIpv4(gateway) && gateway !== "0.0.0.0" ? { gateway } : {}) };
}

function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256);
}

function bad(name: string, found: string, want: string): FormatError {
  return new FormatError("bad_option", `Cannot read "${name}=": found ${found}, ${want} wanted`);
}
