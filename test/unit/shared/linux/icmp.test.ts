/**
 * Goal: echo requests are well formed and only echo replies are taken for answers.
 *
 * Method: bytes of a request captured from ping(8), the checksum's own property (RFC 1071: the sum
 * over a message with its checksum is zero), and hostile bytes.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { echoReply, echoRequest, internetChecksum } from "../../../../shared/linux/icmp.io.ts";

test("echoRequest() carries a checksum that makes the whole message sum to zero", () => {
  const u16 = fc.integer({ min: 0, max: 65535 });
  fc.assert(
    fc.property(u16, u16, (identifier, sequence) => {
      expect(internetChecksum(echoRequest(identifier, sequence))).toBe(0);
    }),
  );
});

test("internetChecksum() gives the value of RFC 1071 section 3's example", () => {
  expect(internetChecksum(Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7))).toBe(
    0xffff & ~0xddf2,
  );
});

test("echoReply() reads a bare message and one inside an IPv4 datagram", () => {
  const reply = echoRequest(0x1234, 7);
  reply[0] = 0;
  expect(echoReply(reply)).toEqual({ identifier: 0x1234, sequence: 7 });
  const datagram = new Uint8Array(24 + reply.byteLength);
  datagram[0] = 0x46; // a header of 24 bytes: with an option
  datagram.set(reply, 24);
  expect(echoReply(datagram)).toEqual({ identifier: 0x1234, sequence: 7 });
});

test("echoReply() takes nothing else", () => {
  expect(echoReply(echoRequest(1, 1))).toBeUndefined();
  expect(echoReply(new Uint8Array(0))).toBeUndefined();
  expect(echoReply(Uint8Array.of(0, 0, 0, 0, 0, 0, 0))).toBeUndefined();
  expect(echoReply(Uint8Array.of(0x4f, 0, 0, 0, 0, 0, 0, 0, 0))).toBeUndefined();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect(() => echoReply(bytes)).not.toThrow();
    }),
  );
});
