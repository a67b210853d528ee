/**
 * Goal: a receiver starts only with words it understands. Method: a real command line, then one
 * fault each.
 */
import { expect, test } from "vitest";
import { parseReceiverOptions } from "../../../receiver/options.ts";
import { FormatError } from "../../../shared/core/errors.ts";

const WORDS: Readonly<Record<string, string>> = {
  initrd: "initramfs.zst",
  ip: "10.0.0.11::10.0.0.1:255.255.255.0:pc-1::none",
  BOOTIF: "01-52-54-00-12-34-56",
  "huck.server": "http://10.0.0.1:8080/",
  "huck.token": "0123456789abcdef0123456789abcdef",
  "huck.key": "ab".repeat(32),
  console: "ttyS0",
};

function line(changes: Readonly<Record<string, string | undefined>> = {}): string {
  return Object.entries({ ...WORDS, ...changes })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value ?? ""}`)
    .join(" ");
}

test("parseReceiverOptions() reads the line a boot script writes", () => {
  expect(parseReceiverOptions(`${line()}\n`)).toEqual({
    server: "http://10.0.0.1:8080",
    token: WORDS["huck.token"],
    key: WORDS["huck.key"],
    bootMac: "52:54:00:12:34:56",
    network: { address: "10.0.0.11", netmask: "255.255.255.0", gateway: "10.0.0.1" },
    dataInterface: undefined,
    diskFiles: [],
  });
});

test("parseReceiverOptions() takes files for disks and needs no router or boot interface", () => {
  const changes = { BOOTIF: undefined, ip: "10.0.0.11:::255.0.0.0" };
  const options = parseReceiverOptions(`${line(changes)} huck.disk=/tmp/a huck.disk=/tmp/b`);
  expect(options.network).toEqual({ address: "10.0.0.11", netmask: "255.0.0.0" });
  expect([options.bootMac, options.diskFiles]).toEqual([undefined, ["/tmp/a", "/tmp/b"]]);
});

test("parseReceiverOptions() refuses what is missing or malformed, naming the word", () => {
  const faults: readonly (readonly [string, string | undefined])[] = [
    ["huck.server", undefined],
    ["huck.server", "ftp://10.0.0.1"],
    ["huck.server", "http://10.0.0.1/?x=1"],
    ["huck.token", "short"],
    ["huck.token", undefined],
    ["huck.key", "xy".repeat(32)],
    ["BOOTIF", "01-52-54"],
    ["ip", "10.0.0.11::10.0.0.1:none"],
  ];
  for (const [name, value] of faults) {
    const parse = (): unknown => parseReceiverOptions(line({ [name]: value }));
    expect(parse, `${name}=${value ?? ""}`).toThrow(FormatError);
    expect(parse).toThrow(name);
  }
});

test("parseReceiverOptions() bounds the line", () => {
  expect(() => parseReceiverOptions(`${line()} x=${"y".repeat(4096)}`)).toThrow(/at most 4096/);
});
