/**
 * The iPXE script of one node: enter the receiver, or leave iPXE for the disk.
 *
 * iPXE splits a line at white space and expands `${...}`. Every value that we write is therefore
 * checked against a closed set of characters first, so that a node name or argument cannot become a
 * command. Leaving differs by firmware: a BIOS goes on with the next device after `exit`. UEFI
 * takes exit code 0 for "done" and may show its menu; it goes on with BootOrder only after an error
 * (UEFI 2.10 3.1.1), hence `exit 1`.
 */
import { FormatError } from "../../../shared/core/errors.ts";
import type { BootEntry } from "../entry.ts";
import type { ScriptWriter } from "./script-writer.ts";

/**
 * Longest kernel command line: COMMAND_LINE_SIZE of Linux on x86 (2048), less room for the
 * addresses that iPXE expands.
 *
 * @internal A test uses it.
 */
export const COMMAND_LINE_CHARACTERS_MAX = 1900;

/** Writes scripts for iPXE. */
export const ipxeScript: ScriptWriter = {
  title: "iPXE script",
  names: { x64: "script.ipxe", arm64: "script-arm64.ipxe" },
  receiver: receiverScript,
  disk: (node) =>
    lines("#!ipxe", `echo huck: nothing to do for ${word(node)}, on to its disk`, LEAVE),
};

function receiverScript(entry: BootEntry): string {
  const node = word(entry.node);
  const initrd = entry.archives.map((file) => `initrd=${word(file.name)}`);
  // iPXE fills in the address that it has, so the receiver needs no second round of DHCP
  const network = `ip=\${netX/ip}::\${netX/gateway}:\${netX/netmask}:${node}::none`;
  const line = [...initrd, network, ...entry.arguments.map(word)].join(" ");
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
    `kernel ${word(entry.kernel.url)} ${line} || goto failed`,
    ...entry.archives.map(
      (file) => `initrd --name ${word(file.name)} ${word(file.url)} || goto failed`,
    ),
    "boot || goto failed",
    ":failed",
    `echo huck: ${node} could not fetch the receiver and goes on to its disk in 10 seconds`,
    "sleep 10",
    LEAVE,
  );
}

const LEAVE = "iseq ${platform} efi && exit 1 || exit 0";

/**
 * Allows letters, digits and the punctuation of URLs, base64 and kernel arguments; no space, quote,
 * `$`, `{`, `#` or `;`.
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
