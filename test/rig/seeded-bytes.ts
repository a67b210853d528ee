/**
 * Bytes that look random and are the same in every run: what a test sends, and ids that must differ
 * from one another.
 */
import { createCipheriv } from "node:crypto";

/** Gives bytes that do not compress, a GB each second; equal seeds give equal bytes. */
export function seededBytes(seed: number, byteCount: number): Buffer {
  const start = Buffer.alloc(16);
  start.writeDoubleBE(seed);
  return createCipheriv("aes-128-ctr", KEY, start).update(Buffer.alloc(byteCount));
}

/** Gives 16 bytes that this process has not got before; two processes may get the same. */
export function nextId(): Buffer {
  given += 1;
  return seededBytes(-given, 16);
}

const KEY = Buffer.from("bytes of a test.");
let given = 0;
