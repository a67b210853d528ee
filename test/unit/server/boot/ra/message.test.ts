/**
 * Goal: the advertisement says "no router" and the asker is known by its MAC.
 * Method: golden bytes built by hand from RFC 4861, each truncation, random bytes.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { FormatError } from "../../../../../shared/core/errors.ts";
import { readSolicitation, writeAdvertisement } from "../../../../../server/boot/ra/message.ts";

/** iPXE's: type 133, code 0, checksum, reserved, source link-layer address. */
const solicitation = Uint8Array.from([133, 0, 9, 9, 0, 0, 0, 0, 1, 1, 0x52, 0x54, 0, 0x77, 0, 1]);

test("readSolicitation() gives the MAC of the one who asks", () => {
  expect(readSolicitation(solicitation)).toBe("52:54:00:77:00:01");
  expect(readSolicitation(solicitation.subarray(0, 8))).toBeUndefined();
});

test("readSolicitation() refuses other types, empty options and cut ones", () => {
  const bad = (code: string): Error => expect.objectContaining({ code }) as Error;
  expect(() => readSolicitation(solicitation.with(0, 134))).toThrow(bad("bad_type"));
  expect(() => readSolicitation(solicitation.with(1, 1))).toThrow(bad("bad_type"));
  expect(() => readSolicitation(solicitation.with(9, 0))).toThrow(bad("bad_option"));
  expect(() => readSolicitation(solicitation.with(9, 2))).toThrow(bad("truncated"));
  const long = new Uint8Array(300);
  long.set(solicitation);
  expect(() => readSolicitation(long)).toThrow(bad("too_big"));
  for (const length of [0, 1, 7, 9, 10, 15]) {
    expect(() => readSolicitation(solicitation.subarray(0, length))).toThrow(bad("truncated"));
  }
});

test("readSolicitation() takes any bytes or refuses them with a FormatError", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (tail) => {
      try {
        readSolicitation(Uint8Array.from([133, 0, 0, 0, 0, 0, 0, 0, ...tail]));
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
      }
    }),
  );
});

test("writeAdvertisement() says no DHCPv6, no router, prefix fd77::/64", () => {
  const hex = Buffer.from(writeAdvertisement("02:00:00:00:00:01")).toString("hex");
  expect(hex).toBe(
    "86000000" +
      "40000000" +
      "0000000000000000" +
      "030440c0" +
      "00000258" +
      "00000258" +
      "00000000" +
      "fd770000000000000000000000000000" +
      "0101020000000001",
  );
});
