/**
 * Goal: a script is what iPXE needs, and no value of the inventory can become a command.
 * Method: one golden script, hostile values in every place.
 */
import { expect, test } from "vitest";
import type { BootEntry } from "../../../../../server/boot/entry.ts";
import {
  COMMAND_LINE_CHARACTERS_MAX,
  ipxeScript,
} from "../../../../../server/boot/scripts/ipxe.ts";

const fit01: BootEntry = {
  node: "fit01",
  kernel: { name: "vmlinuz", url: "http://10.77.0.1:8067/boot/files/vmlinuz" },
  archives: [
    { name: "core.zst", url: "http://10.77.0.1:8067/boot/files/core.zst" },
    { name: "raid.zst", url: "http://10.77.0.1:8067/boot/files/raid.zst" },
  ],
  arguments: ["BOOTIF=01-52-54-00-77-00-0a", "huck.token=ab+/=", "console=ttyS0,115200"],
};

test("ipxeScript.receiver() fetches all files and hands over address and arguments", () => {
  expect(ipxeScript.receiver(fit01)).toBe(`#!ipxe
echo huck: fit01 enters the receiver
imgfree
kernel http://10.77.0.1:8067/boot/files/vmlinuz initrd=core.zst initrd=raid.zst \
ip=\${netX/ip}::\${netX/gateway}:\${netX/netmask}:fit01::none BOOTIF=01-52-54-00-77-00-0a \
huck.token=ab+/= console=ttyS0,115200 || goto failed
initrd --name core.zst http://10.77.0.1:8067/boot/files/core.zst || goto failed
initrd --name raid.zst http://10.77.0.1:8067/boot/files/raid.zst || goto failed
boot || goto failed
:failed
echo huck: fit01 could not fetch the receiver and goes on to its disk in 10 seconds
sleep 10
iseq \${platform} efi && exit 1 || exit 0
`);
});

test("ipxeScript.disk() leaves with an error on UEFI only", () => {
  expect(ipxeScript.disk("fit01")).toBe(`#!ipxe
echo huck: nothing to do for fit01, on to its disk
iseq \${platform} efi && exit 1 || exit 0
`);
});

test.each([
  "a b",
  "a\nb",
  "a\rb",
  "${ip}",
  "a;b",
  "a#b",
  'a"b',
  "a'b",
  "a\\b",
  "",
  "é",
  "x".repeat(513),
])("ipxeScript refuses %j", (value) => {
  const bad = expect.objectContaining({ code: "bad_value" }) as Error;
  const file = { name: value, url: "http://10.77.0.1/x" };
  expect(() => ipxeScript.disk(value)).toThrow(bad);
  expect(() => ipxeScript.receiver({ ...fit01, node: value })).toThrow(bad);
  expect(() => ipxeScript.receiver({ ...fit01, arguments: [value] })).toThrow(bad);
  expect(() => ipxeScript.receiver({ ...fit01, archives: [file] })).toThrow(bad);
  expect(() => ipxeScript.receiver({ ...fit01, kernel: { name: "k", url: value } })).toThrow(bad);
});

test("ipxeScript.receiver() refuses a command line that the kernel would cut", () => {
  const many = Array<string>(COMMAND_LINE_CHARACTERS_MAX / 10).fill("argument=1");
  const tooLong = expect.objectContaining({ code: "command_line_too_long" }) as Error;
  expect(() => ipxeScript.receiver({ ...fit01, arguments: many })).toThrow(tooLong);
});
