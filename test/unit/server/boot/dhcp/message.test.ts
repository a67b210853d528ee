/**
 * Goal: no DHCP message is misread and none ends the server. Method: captured messages as golden
 * values, each truncation, each bit flip, hand-made overload and split options, and a round trip of
 * random messages.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { FormatError, codeOf } from "../../../../../shared/core/errors.ts";
import {
  MESSAGE_BYTES_MIN,
  READ_BYTES_MAX,
  readMessage,
  senderOf,
  writeMessage,
} from "../../../../../server/boot/dhcp/message.ts";
import type { DhcpMessage } from "../../../../../server/boot/dhcp/message.ts";
import { Option } from "../../../../../server/boot/dhcp/options.ts";
import { vector } from "../../../../rig/dhcp-vectors.ts";

const captured = [
  "ipxe-rom-discover",
  "ipxe-rom-request",
  "ovmf-pxe-discover",
  "ovmf-pxe-request",
  "ipxe-efi-discover",
  "ovmf-http-discover",
  "dnsmasq-http-offer",
  "dnsmasq-ipxe-offer",
  "ovmf-boot-server-request",
  "snponly-discover",
  "ipxe-boot-server-request",
  "undionly-discover",
];

const plain: DhcpMessage = {
  operation: 2,
  hops: 0,
  transactionId: 0x01020304,
  seconds: 9,
  broadcast: true,
  clientAddress: "0.0.0.0",
  yourAddress: "10.0.0.9",
  nextServer: "10.0.0.1",
  relayAddress: "0.0.0.0",
  mac: "02:00:00:00:00:0a",
  serverName: "",
  bootFile: "",
  options: new Map([[53, Uint8Array.of(2)]]),
};

/** Header of {@link plain} with these option bytes; `file` and `sname` may be given too. */
function raw(
  options: readonly number[],
  file: readonly number[] = [],
  sname: readonly number[] = [],
) {
  const bytes = new Uint8Array(240 + options.length);
  bytes.set(writeMessage(plain).subarray(0, 240));
  bytes.set(sname, 44);
  bytes.set(file, 108);
  bytes.set(options, 240);
  return bytes;
}

function codeOfReading(bytes: Uint8Array): string | undefined {
  try {
    readMessage(bytes);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
    return codeOf(error);
  }
}

test("readMessage() gives the fields of a captured DISCOVER", () => {
  const message = readMessage(vector("ipxe-rom-discover"));
  expect(message.mac).toBe("52:54:00:77:00:00");
  expect([message.operation, message.seconds, message.broadcast]).toEqual([1, 4, false]);
  expect([...message.options.keys()]).toEqual([53, 57, 93, 94, 60, 77, 55, 175, 61, 97]);
});

test("readMessage() gives the addresses of a captured OFFER", () => {
  const message = readMessage(vector("dnsmasq-http-offer"));
  expect([message.yourAddress, message.nextServer]).toEqual(["10.77.0.81", "10.77.0.1"]);
});

test.each(captured)("writeMessage() of what readMessage() read of %s is read the same", (name) => {
  const message = readMessage(vector(name));
  expect(readMessage(writeMessage(message))).toEqual(message);
});

test.each(captured)("readMessage() reads %s cut in its options as far as it goes", (name) => {
  const bytes = vector(name);
  const end = bytes.lastIndexOf(Option.end);
  const whole = readMessage(bytes).options;
  for (let length = 0; length < end; length += 1) {
    const cut = bytes.subarray(0, length);
    if (length < 240) {
      expect(codeOfReading(cut)).toBe("truncated");
    } else {
      const { options } = readMessage(cut);
      expect([...options.keys()]).toEqual([...whole.keys()].slice(0, options.size));
    }
  }
});

test("readMessage() reads options without end and bytes behind a frame", () => {
  expect(readMessage(raw([53, 1, 1])).options.get(53)).toEqual(Uint8Array.of(1));
  const padded = new Uint8Array(9000);
  padded.set(raw([53, 1, 1, 255]));
  expect(readMessage(padded).options.get(53)).toEqual(Uint8Array.of(1));
  const long = new Uint8Array(READ_BYTES_MAX + 100).fill(1, 240); // option 1 with one byte, often
  long.set(raw([53, 1, 1]));
  expect(readMessage(long).options.get(53)).toEqual(Uint8Array.of(1));
});

test("senderOf() gives the MAC of what may be read, and nothing of the rest", () => {
  expect(senderOf(vector("ipxe-rom-discover"))).toBe("52:54:00:77:00:00");
  expect(senderOf(vector("ipxe-rom-discover").subarray(0, 235))).toBeUndefined();
  expect(senderOf(Uint8Array.of(1, 6))).toBeUndefined();
});

test("readMessage() survives every flipped bit of a captured message", () => {
  const bytes = vector("ovmf-pxe-discover");
  for (let bit = 0; bit < bytes.byteLength * 8; bit += 1) {
    const flipped = Uint8Array.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    codeOfReading(flipped);
  }
});

test("readMessage() reads any bytes or refuses them with a FormatError", () => {
  const tail = fc.uint8Array({ maxLength: 600 });
  fc.assert(
    fc.property(tail, fc.boolean(), (bytes, withHeader) => {
      codeOfReading(withHeader ? raw([...bytes]) : bytes);
    }),
  );
});

test("readMessage() joins an option that comes in pieces, in order", () => {
  const message = readMessage(raw([67, 2, 1, 2, 12, 1, 9, 67, 1, 3, 255]));
  expect(message.options.get(67)).toEqual(Uint8Array.of(1, 2, 3));
});

test("readMessage() goes on in file, then in sname, when option 52 says so", () => {
  const message = readMessage(raw([52, 1, 3, 67, 1, 1, 255], [67, 1, 2, 255], [67, 1, 3, 255]));
  expect(message.options.get(67)).toEqual(Uint8Array.of(1, 2, 3));
  expect([message.bootFile, message.serverName]).toEqual(["", ""]);
});

test("readMessage() ignores an overload option inside an overloaded field", () => {
  const message = readMessage(raw([52, 1, 1, 255], [52, 1, 3, 255], [0x41, 0x42]));
  expect(message.serverName).toBe("AB");
  const { options } = readMessage(raw([52, 1, 1, 255], [66, 1, 9, 67, 200]));
  expect([...options.keys()]).toEqual([52, 66]);
});

test.each([
  ["bad_operation", 0, 3],
  ["not_ethernet", 1, 6],
  ["not_ethernet", 2, 16],
  ["bad_cookie", 236, 0],
])("readMessage() refuses with %s when byte %i is %i", (code, offset, value) => {
  const bytes = raw([255]);
  bytes[offset] = value;
  expect(codeOfReading(bytes)).toBe(code);
});

test("writeMessage() splits a long option and puts 53 first and 82 last", () => {
  const long = Uint8Array.from({ length: 300 }, (_, index) => index & 255);
  const options = new Map([
    [82, Uint8Array.of(1)],
    [43, long],
    [53, Uint8Array.of(2)],
  ]);
  const bytes = writeMessage({ ...plain, options });
  expect([bytes[240], bytes[243], bytes[244]]).toEqual([53, 43, 255]);
  expect([...readMessage(bytes).options.keys()]).toEqual([53, 43, 82]);
  expect(readMessage(bytes).options.get(43)).toEqual(long);
});

test("writeMessage() fills up to the BOOTP minimum", () => {
  expect(writeMessage(plain).byteLength).toBe(MESSAGE_BYTES_MIN);
});

test("readMessage() gives back what writeMessage() wrote", () => {
  const byte = fc.integer({ min: 0, max: 255 });
  const address = fc.tuple(byte, byte, byte, byte).map((octets) => octets.join("."));
  const name = fc.stringMatching(/^[a-z0-9/.:]{0,60}$/);
  const value = fc.uint8Array({ maxLength: 280 });
  const code = fc.integer({ min: 1, max: 254 }).filter((one) => one !== Option.overload);
  const message = fc.record({
    operation: fc.constantFrom(1 as const, 2 as const),
    hops: byte,
    transactionId: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    seconds: fc.integer({ min: 0, max: 65535 }),
    broadcast: fc.boolean(),
    clientAddress: address,
    yourAddress: address,
    nextServer: address,
    relayAddress: address,
    mac: fc.constant("02:00:00:00:00:0a"),
    serverName: name,
    bootFile: name,
    options: fc.dictionary(code.map(String), value, { maxKeys: 4 }).map((plainOptions) => {
      return new Map(Object.entries(plainOptions).map(([key, one]) => [Number(key), one]));
    }),
  });
  fc.assert(
    fc.property(message, (one) => {
      expect(readMessage(writeMessage(one))).toEqual(one);
    }),
  );
});
