/**
 * Goal: an entry names the receiver's files in order and carries all that a receiver is told.
 * Method: one golden entry; the arguments that a site may replace.
 */
import { expect, test } from "vitest";
import { assetsOf } from "../../../../server/boot/assets.ts";
import { receiverEntry } from "../../../../server/boot/entry.ts";
import { BOOT_ASSETS, bootTable } from "../../../rig/dhcp-vectors.ts";

const drivers = {
  role: "archive",
  architecture: "x64",
  order: 1,
  name: "a.zst",
  path: "/a",
} as const;
const assets = assetsOf("0.1.0", [{ ...drivers, sizeBytes: 1 }, ...BOOT_ASSETS]);
const receiver = assets.receivers.get("x64");
const grant = { serverUrl: "http://10.77.0.1:4080", token: "f00d", serverKey: "cafe" };

function entryOf(...kernelArguments: string[]) {
  if (receiver === undefined) throw new Error("no receiver");
  return receiverEntry({
    mac: "52:54:00:77:00:0a",
    node: { name: "fit01", answer: "receiver", kernelArguments },
    receiver,
    network: bootTable().network,
    grant,
  });
}

test("receiverEntry() gives kernel, archives in order and arguments", () => {
  const url = "http://10.77.0.1:8067/boot/files";
  expect(entryOf("console=ttyS0,115200")).toEqual({
    node: "fit01",
    kernel: { name: "vmlinuz", url: `${url}/vmlinuz` },
    archives: [
      { name: "initramfs.zst", url: `${url}/initramfs.zst` },
      { name: "a.zst", url: `${url}/a.zst` },
    ],
    arguments: [
      "BOOTIF=01-52-54-00-77-00-0a",
      "panic=10",
      "huck.server=http://10.77.0.1:4080",
      "huck.token=f00d",
      "huck.key=cafe",
      "console=ttyS0,115200",
    ],
  });
});

test("receiverEntry() leaves panic= to the node's arguments when they name it", () => {
  const words = entryOf("quiet", "panic=-1").arguments;
  expect(words.filter((word) => word.startsWith("panic="))).toEqual(["panic=-1"]);
});
