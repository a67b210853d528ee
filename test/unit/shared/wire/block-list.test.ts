/**
 * Goal: block lists are bounded. Method: counts at and above the bound, room at several lengths.
 */
import { expect, test } from "vitest";
import { ByteReader } from "../../../../shared/core/bytes.ts";
import {
  BLOCK_LIST_MAX,
  blockListRoom,
  readBlockList,
} from "../../../../shared/wire/block-list.ts";

test("readBlockList() refuses more entries than a message may have", () => {
  const bytes = new Uint8Array(6 * 300);
  expect(readBlockList(new ByteReader(bytes, "list"), BLOCK_LIST_MAX)).toHaveLength(200);
  expect(() => readBlockList(new ByteReader(bytes, "list"), 201)).toThrow("number of blocks");
});

test("blockListRoom() fills a message and never passes the bound", () => {
  expect(blockListRoom(1440, 56)).toBe(200);
  expect(blockListRoom(576, 56)).toBe(86);
  expect(blockListRoom(61, 56)).toBe(0);
});
