/**
 * Goal: a session becomes a sender thread that reads its very image file, and ends when told.
 * Method: a real thread on loopback.
 */
import { renameSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { openFolderStore } from "../../../../server/store/folder-store.io.ts";
import { senderStarter } from "../../../../server/sessions/sender-start.io.ts";
import { MemberNumbers } from "../../../../shared/session/sender/member-numbers.ts";
import type { SendRequest, StartSender } from "../../../../server/sessions/sessions.ts";
import { RecordFileSource } from "../../../../shared/session/sender/sender-thread.io.ts";
import type { ImageStore, OpenedImage } from "../../../../shared/image/store.ts";
import { dropFolders, freshFolder } from "../../../rig/lab-kit.ts";
import { STORED_RAW, storeImage } from "../../../rig/small-image.ts";
import { freePort } from "../../../rig/ports.ts";

let store: ImageStore;
let images = "";
let request: SendRequest;
let start: StartSender;
const opened: { image: OpenedImage; closed: number }[] = [];
afterAll(dropFolders);

beforeEach(async () => {
  const folder = freshFolder();
  const id = await storeImage(folder, "ubuntu");
  expect(await storeImage(folder, "twin", STORED_RAW)).toBe(id);
  images = path.join(folder, "images");
  store = openFolderStore(images);
  opened.length = 0;
  start = senderStarter({
    open: async (reference) => {
      const image = await store.open(reference);
      const entry = { image, closed: 0 };
      opened.push(entry);
      return {
        ...image,
        close: () => {
          entry.closed += 1;
          image.close();
        },
      };
    },
    interfaceName: "lo",
    address: "127.0.0.1",
    seed: () => 1,
  });
  request = {
    image: { name: "ubuntu", id },
    session: "0123456789abcdef",
    key: "0".repeat(32),
    group: "239.192.77.99",
    port: freePort(),
    symbolBytes: 1408,
    rateBitsPerSecond: 1e8,
    numbers: new MemberNumbers().table,
    members: 1,
    gatherMs: 60_000,
  };
});

test("senderStarter() starts a thread for the image asked for, and stop() ends it", async () => {
  const other = { ...request, image: { name: "ubuntu", id: "f".repeat(64) } };
  await expect(start(other)).rejects.toMatchObject({ code: "no_such_image" });
  const handle = await start(request);
  expect(handle.chunkCount).toBe(3);
  expect(handle.sender.address).toBe("127.0.0.1");
  expect(handle.sender.port).toBeGreaterThan(0);
  expect(opened.map(({ closed }) => closed)).toEqual([0]);
  handle.stop();
  expect(await handle.ended).toBeUndefined(); // that is no fault
  expect(opened.map(({ closed }) => closed)).toEqual([1]);
});

test("a sender's records are those of its own file when two files have one id", async () => {
  for (const name of ["ubuntu", "twin"]) {
    const image = await store.open({ name, id: request.image.id });
    const source = new RecordFileSource(image.places);
    const record = Buffer.alloc(1 << 20);
    for (let chunk = 0; chunk < image.index.table.count; chunk += 1) {
      const length = await source.read(chunk, record);
      expect(record.subarray(0, length).equals(await image.record(chunk))).toBe(true);
    }
    source.close();
    image.close();
  }
});

test("a sender does not start when another file has taken its image's place", async () => {
  const image = await store.open({ name: "ubuntu" });
  const reference = { ...request.image, file: image.file };
  renameSync(path.join(images, "twin.huck"), path.join(images, "ubuntu.huck"));
  await expect(start({ ...request, image: reference })).rejects.toThrow(
    /another file has taken its place/,
  );
  expect(opened.map(({ closed }) => closed)).toEqual([1]);
  image.close();
  await store.close();
  await expect(start({ ...request, image: reference })).rejects.toMatchObject({
    code: "no_such_image",
  });
});
