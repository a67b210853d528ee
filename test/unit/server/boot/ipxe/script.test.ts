/**
 * Goal: a script is what iPXE needs, and no value of the inventory can become a command.
 * Method: one golden script, hostile values in every place.
 */
import { expect, test } from "vitest";
import {
  COMMAND_LINE_CHARACTERS_MAX,
  diskScript,
  receiverScript,
} from "../../../../../server/boot/ipxe/script.ts";
import type { ReceiverScript } from "../../../../../server/boot/ipxe/script.ts";

const fit01: ReceiverScript = {
  node: "fit01",
  mac: "52:54:00:77:00:0a",
  kernel: { name: "vmlinuz", url: "http://10.77.0.1:8067/boot/files/vmlinuz" },
  initramfs: [
    { name: "core.zst", url: "http://10.77.0.1:8067/boot/files/core.zst" },
    { name: "raid.zst", url: "http://10.77.0.1:8067/boot/files/raid.zst" },
  ],
  arguments: ["huck.token=ab+/=", "console=ttyS0,115200"],
};

test("receiverScript() fetches all files and hands over address and arguments", () => {
  expect(receiverScript(fit01)).toBe(`#!ipxe
echo huck: fit01 enters the receiver
imgfree
kernel http://10.77.0.1:8067/boot/files/vmlinuz initrd=core.zst initrd=raid.zst \
ip=\${netX/ip}::\${netX/gateway}:\${netX/netmask}:fit01::none BOOTIF=01-52-54-00-77-00-0a \
panic=10 huck.token=ab+/= console=ttyS0,115200 || goto failed
initrd --name core.zst http://10.77.0.1:8067/boot/files/core.zst || goto failed
initrd --name raid.zst http://10.77.0.1:8067/boot/files/raid.zst || goto failed
boot || goto failed
:failed
echo huck: fit01 could not fetch the receiver and goes on to its disk in 10 seconds
sleep 10
iseq \${platform} efi && exit 1 || exit 0
`);
});

test("receiverScript() leaves panic= to the arguments that name it", () => {
  const text = receiverScript({ ...fit01, arguments: ["quiet", "panic=-1"] });
  expect(text.match(/panic=\S+/g)).toEqual(["panic=-1"]);
});

test("diskScript() leaves with an error on UEFI only", () => {
  expect(diskScript("fit01")).toBe(`#!ipxe
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
])("receiverScript() and diskScript() refuse %j", (value) => {
  const bad = expect.objectContaining({ code: "bad_value" }) as Error;
  const file = { name: value, url: "http://10.77.0.1/x" };
  expect(() => diskScript(value)).toThrow(bad);
  expect(() => receiverScript({ ...fit01, node: value })).toThrow(bad);
  expect(() => receiverScript({ ...fit01, arguments: [value] })).toThrow(bad);
  expect(() => receiverScript({ ...fit01, initramfs: [file] })).toThrow(bad);
  expect(() => receiverScript({ ...fit01, kernel: { name: "k", url: value } })).toThrow(bad);
});

test("receiverScript() refuses a command line that the kernel would cut", () => {
  const many = Array<string>(COMMAND_LINE_CHARACTERS_MAX / 10).fill("argument=1");
  const tooLong = expect.objectContaining({ code: "command_line_too_long" }) as Error;
  expect(() => receiverScript({ ...fit01, arguments: many })).toThrow(tooLong);
});
