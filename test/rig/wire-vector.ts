/**
 * Golden vectors of the wire: files of `key: value` lines, a blank line, and the datagram in
 * hexadecimal.
 *
 * A program that shares no code with the codecs (not even SipHash) made them from WIRE.md.
 */
import { readFileSync } from "node:fs";
import { Arena, arenaMemory } from "../../shared/core/arena.ts";
import { fromHex } from "../../shared/core/digest.ts";
import type { BlockEntry } from "../../shared/wire/block-list.ts";
import { splitSid, writeHeader } from "../../shared/wire/header.ts";
import type { MessageType } from "../../shared/wire/header.ts";
import { createTagger } from "../../shared/wire/tag.ts";
import type { OutgoingMessage } from "../../shared/wire/message.ts";

/** Offset of datagrams in the arena of the tests. */
export const AT = 64;

export interface Vector {
  readonly fields: ReadonlyMap<string, string>;
  readonly bytes: Uint8Array;
}

export function readVector(name: string): Vector {
  const url = new URL(`../vectors/wire/${name}.txt`, import.meta.url);
  const [head = "", body = ""] = readFileSync(url, "utf8").split("\n\n");
  const fields = new Map(
    head.split("\n").map((line) => {
      const colon = line.indexOf(": ");
      return [line.slice(0, colon), line.slice(colon + 2)];
    }),
  );
  const hex = body.replaceAll(/\s/g, "");
  return { fields, bytes: fromHex(hex, hex.length / 2) };
}

/** An arena to write into, its view, and the bytes of the sealed datagram. */
export function workbench(): {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly put: (datagram: Uint8Array) => void;
  readonly seal: (vector: Vector, length: number) => Uint8Array;
} {
  const arena = new Arena(arenaMemory(65_536));
  const view = new DataView(arena.memory.buffer);
  return {
    bytes: arena.bytes,
    view,
    put: (datagram) => {
      arena.bytes.set(datagram, AT);
    },
    seal: (vector, length) => {
      writeHeader(view, AT, {
        type: numberOf(vector, "type") as MessageType,
        flags: numberOf(vector, "flags"),
        sid: splitSid(BigInt(`0x${textOf(vector, "sid")}`)),
        seq: numberOf(vector, "seq"),
      });
      const key = fromHex(textOf(vector, "key"), 16);
      createTagger(arena.memory, key, "plain").seal(AT, length);
      return Uint8Array.from(arena.bytes.subarray(AT, AT + length));
    },
  };
}

/**
 * Writes a message and seals nothing.
 *
 * @returns Length of the datagram, as the message says it.
 */
export function writeMessage(bytes: Uint8Array, offset: number, message: OutgoingMessage): number {
  message.write(bytes, offset);
  return message.length;
}

export function textOf(vector: Vector, key: string): string {
  const text = vector.fields.get(key);
  if (text === undefined) throw new Error(`vector has no "${key}"`);
  return text;
}

export function numberOf(vector: Vector, key: string): number {
  return Number(textOf(vector, key));
}

export function blocksOf(vector: Vector): BlockEntry[] {
  return textOf(vector, "blocks")
    .split(" ")
    .map((entry) => {
      const [chunk = 0, block = 0, value = 0] = entry.split("/").map(Number);
      return { chunk, block, value };
    });
}
