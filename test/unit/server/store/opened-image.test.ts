/**
 * Goal: no read outlives the hold on its file, and no hold outlives its use.
 * Method: a file in memory that counts its holders and refuses reads when it has none.
 */
import { beforeEach, expect, test } from "vitest";
import { openedImage } from "../../../../server/store/opened-image.ts";
import { recordRunsOf } from "../../../../server/store/record-runs.ts";
import type { OpenedImage } from "../../../../shared/image/store.ts";
import { gptDisk, saved } from "../../../rig/image-fixtures.ts";

const made = saved(gptDisk());
let holders = 0;
let fault: Error | undefined;
let image: OpenedImage;

function hold(): () => void {
  let held = true;
  holders += 1;
  return () => {
    if (held) holders -= 1;
    held = false;
  };
}

beforeEach(async () => {
  const { bytes, index } = await made;
  holders = 0;
  fault = undefined;
  image = openedImage(
    { name: "one" },
    {
      path: "/images/one.huck",
      fileIdentity: "1:2:3:4",
      proven: { index, ...recordRunsOf(index.table) },
      read: async (offset, into) => {
        await new Promise(setImmediate);
        if (holders === 0) throw new Error("a closed file is read");
        if (fault !== undefined) throw fault;
        into.set(bytes.subarray(offset, offset + into.byteLength));
      },
      hold,
      release: hold(),
    },
  );
});

test("record() holds the file until it was read, though the image is closed", async () => {
  const { bytes, index } = await made;
  const reading = image.record(2);
  image.close();
  const { offset, length } = index.table.recordRange(2);
  expect(Buffer.from(bytes.subarray(offset, offset + length)).equals(await reading)).toBe(true);
  expect(holders).toBe(0);
});

test("record() and tail() after close() are faults of ours", async () => {
  image.close();
  await expect(image.record(0)).rejects.toThrow(/the image is open/);
  expect(() => image.tail()).toThrow(/the image is open/);
});

test("tail() lets go after its last piece, when it is left early, and when it fails", async () => {
  const whole = image.tail();
  const left = image.tail();
  const unread = image.tail();
  const failing = image.tail();
  image.close();
  expect(holders).toBe(4);
  for await (const piece of left.bytes) {
    expect(piece.byteLength).toBeGreaterThan(0);
    break;
  }
  expect(holders).toBe(3);
  await unread.bytes.return?.();
  expect(holders).toBe(2);
  for await (const piece of whole.bytes) expect(piece.byteLength).toBe(whole.length);
  expect(holders).toBe(1);
  fault = new Error("EIO");
  await expect(failing.bytes.next()).rejects.toThrow("EIO");
  expect(holders).toBe(0);
});

test("recordRunsOf() tells where each record of the table lies", async () => {
  const { index } = await made;
  const { offsets, lengths } = recordRunsOf(index.table);
  expect(offsets.length).toBe(index.table.count);
  for (let chunk = 0; chunk < index.table.count; chunk += 1) {
    const { offset, length } = index.table.recordRange(chunk);
    expect([offsets[chunk], lengths[chunk]]).toEqual([offset, length]);
  }
});
