/**
 * Goal: requests of real boot ROMs are understood and hostile ones refused.
 * Method: requests as captured, each truncation, random bytes.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { FormatError } from "../../../../../shared/core/errors.ts";
import {
  REQUEST_BYTES_MAX,
  TftpError,
  readTftp,
  writeData,
  writeError,
  writeOptionAcknowledge,
} from "../../../../../server/boot/tftp/message.ts";

function request(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(`\0\x01${text}`, "latin1"));
}

test.each([
  // OVMF, iPXE, pxelinux, shim and GRUB, as captured
  ["snponly.efi\0octet\0tsize\0" + "0\0blksize\0" + "1468\0windowsize\0" + "4\0", [true, 1468, 4]],
  ["undionly.kpxe\0octet\0blksize\0" + "1432\0tsize\0" + "0\0", [true, 1432, undefined]],
  ["a\0octet\0tsize\0" + "0\0blksize\0" + "1408\0", [true, 1408, undefined]],
  ["grubx64.efi\0octet\0blksize\0" + "512\0windowsize\0" + "4\0", [false, 512, 4]],
  ["/grub/grub.cfg\0OCTET\0BLKSIZE\0" + "1024\0tsize\0" + "0\0", [true, 1024, undefined]],
])("readTftp() reads %j", (text, wanted) => {
  const message = readTftp(request(text));
  if (message.kind !== "read") throw new Error("not a request");
  const { wantsSize, blockBytes, windowBlocks } = message.options;
  expect(message.file).toBe(text.split("\0")[0]);
  expect([wantsSize, blockBytes, windowBlocks]).toEqual(wanted);
});

test("readTftp() ignores options it does not know or whose value is out of range", () => {
  const odd =
    "f\0octet\0blksize\0" + "7\0windowsize\0" + "0\0timeout\0" + "256\0multicast\0\0x\0y\0";
  expect(readTftp(request(odd))).toEqual({
    kind: "read",
    file: "f",
    mode: "octet",
    options: { wantsSize: false },
  });
  const huge = readTftp(request("f\0octet\0blksize\0" + "9".repeat(30) + "\0timeout\0" + "3\0"));
  expect(huge).toMatchObject({ options: { timeoutSeconds: 3 } });
});

test("readTftp() reads a request to write and other modes, so that they can be refused", () => {
  const write = Uint8Array.from(Buffer.from("\0\x02core\0octet\0", "latin1"));
  expect(readTftp(write)).toEqual({ kind: "write", file: "core" });
  expect(readTftp(request("f\0NetASCII\0"))).toMatchObject({ kind: "read", mode: "netascii" });
});

test("readTftp() reads acknowledgements and errors", () => {
  expect(readTftp(Uint8Array.of(0, 4, 1, 2))).toEqual({ kind: "acknowledge", block: 258 });
  const abort = Uint8Array.from(Buffer.from("\0\x05\0\x08User aborted the transfer\0", "latin1"));
  expect(readTftp(abort)).toEqual({ kind: "error", code: 8, text: "User aborted the transfer" });
});

test.each([
  ["truncated", Uint8Array.of(0)],
  ["truncated", Uint8Array.of(0, 4, 1)],
  ["bad_mode", request("f\0")],
  ["bad_opcode", Uint8Array.of(0, 7, 0x61, 0)],
  ["unterminated", request("f\0octet")],
  ["too_big", request(`${"f".repeat(REQUEST_BYTES_MAX)}\0octet\0`)],
])("readTftp() refuses with %s", (code, bytes) => {
  expect(() => readTftp(bytes)).toThrow(expect.objectContaining({ code }) as Error);
});

test("readTftp() refuses a request cut at any byte, or reads a shorter one", () => {
  const bytes = request("snponly.efi\0octet\0blksize\0" + "1468\0");
  for (let length = 0; length < 20; length += 1) {
    expect(() => readTftp(bytes.subarray(0, length))).toThrow(FormatError);
  }
  for (let length = 20; length < bytes.byteLength; length += 1) {
    try {
      expect(readTftp(bytes.subarray(0, length))).toMatchObject({ file: "snponly.efi" });
    } catch (error) {
      expect(error).toBeInstanceOf(FormatError);
    }
  }
});

test("readTftp() takes any bytes or refuses them with a FormatError", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      try {
        readTftp(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
      }
    }),
  );
});

test("writeData(), writeOptionAcknowledge() and writeError() write what the RFCs show", () => {
  expect(writeData(0x0102, Uint8Array.of(9))).toEqual(Uint8Array.of(0, 3, 1, 2, 9));
  const options = writeOptionAcknowledge([
    ["tsize", 12],
    ["blksize", 8],
  ]);
  expect(Buffer.from(options).toString("latin1")).toBe("\0\x06tsize\0" + "12\0blksize\0" + "8\0");
  const error = writeError(TftpError.fileNotFound, "no");
  expect(Buffer.from(error).toString("latin1")).toBe("\0\x05\0\x01no\0");
});
