/**
 * The iPXE script of one node: enter the receiver, or leave iPXE for the disk.
 *
 * iPXE cuts a line at white space and expands `${...}`, so every value that is written here is
 * checked against a closed set of characters first: a node name or argument can never become a
 * command. Leaving differs by firmware: a BIOS goes on with the next device after `exit`; UEFI
 * takes exit code 0 for "done" and may show its menu, and goes on with BootOrder only after an
 * error (UEFI 2.10 3.1.1), hence `exit 1`.
 */
import { FormatError } from "../../../shared/core/errors.ts";
import type { Mac } from "../addresses.ts";
import { macWithDashes } from "../addresses.ts";

/** A file that iPXE fetches. */
export interface ScriptFile {
  /** Its name in the kernel's `initrd=`. */
  readonly name: string;
  /** Where it is. */
  readonly url: string;
}

/** What the script of a node entering the receiver is made from. */
export interface ReceiverScript {
  /** The node's name. */
  readonly node: string;
  /** The MAC address it boots with: the receiver uses the same interface. */
  readonly mac: Mac;
  /** The receiver's kernel. */
  readonly kernel: ScriptFile;
  /** The receiver's initramfs archives, in order. */
  readonly initramfs: readonly ScriptFile[];
  /** Kernel arguments beside those of the network, `key` or `key=value`. */
  readonly arguments: readonly string[];
}

/**
 * Longest kernel command line: COMMAND_LINE_SIZE of Linux on x86 (2048), less room for the expanded
 * addresses.
 *
 * @internal A test looks at it.
 */
export const COMMAND_LINE_CHARACTERS_MAX = 1900;

/**
 * Writes the script that enters the receiver.
 *
 * @param script - See {@link ReceiverScript}.
 * @returns Its text. When a file cannot be fetched the node says so and goes on to its disk.
 * @throws {@link FormatError} `bad_value`, `command_line_too_long`.
 */
export function receiverScript(script: ReceiverScript): string {
  const node = word(script.node);
  const initrd = script.initramfs.map((file) => `initrd=${word(file.name)}`);
  // iPXE fills in the address it has got, so the receiver needs no second round of DHCP
  const network = `ip=\${netX/ip}::\${netX/gateway}:\${netX/netmask}:${node}::none`;
  const line = [
    ...initrd,
    network,
    `BOOTIF=01-${macWithDashes(script.mac)}`,
    // a receiver whose kernel panics comes back by itself, unless the site wants it to stay
    ...(script.arguments.some((one) => one.startsWith("panic=")) ? [] : [PANIC]),
    ...script.arguments.map(word),
  ].join(" ");
  if (line.length > COMMAND_LINE_CHARACTERS_MAX) {
    throw new FormatError(
      "command_line_too_long",
      `Cannot write script of ${node}: ${line.length} characters of kernel arguments, ` +
        `at most ${COMMAND_LINE_CHARACTERS_MAX} wanted`,
    );
  }
  return lines(
    "#!ipxe",
    `echo huck: ${node} enters the receiver`,
    "imgfree",
    `kernel ${word(script.kernel.url)} ${line} || goto failed`,
    ...script.initramfs.map(
      (file) => `initrd --name ${word(file.name)} ${word(file.url)} || goto failed`,
    ),
    "boot || goto failed",
    ":failed",
    `echo huck: ${node} could not fetch the receiver and goes on to its disk in 10 seconds`,
    "sleep 10",
    LEAVE,
  );
}

/**
 * Writes the script that leaves iPXE for the disk.
 *
 * @param node - The node's name.
 * @returns Its text.
 * @throws {@link FormatError} `bad_value`.
 */
export function diskScript(node: string): string {
  return lines("#!ipxe", `echo huck: nothing to do for ${word(node)}, on to its disk`, LEAVE);
}

/** The kernel restarts the node this long after a panic. Unit: seconds. */
const PANIC = "panic=10";
const LEAVE = "iseq ${platform} efi && exit 1 || exit 0";

/**
 * Letters, digits and the punctuation of URLs, base64 and kernel arguments: no space, quote, `$`,
 * `{`, `#`, `;`.
 *
 * @throws {@link FormatError} `bad_value`.
 */
function word(value: string): string {
  if (/^[A-Za-z0-9._:/=@,+%-]{1,512}$/.test(value)) return value;
  throw new FormatError(
    "bad_value",
    `Cannot write script: ${JSON.stringify(value)}, letters, digits and ._:/=@,+%- wanted`,
  );
}

function lines(...all: readonly string[]): string {
  return `${all.join("\n")}\n`;
}
