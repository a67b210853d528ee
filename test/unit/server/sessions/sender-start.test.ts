/**
 * Goal: a stream becomes a sender thread that knows its image, and ends when told. Method: a real
 * thread on loopback.
 */
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { ImageParts } from "../../../../server/store/image-parts.ts";
import { senderStarter } from "../../../../server/sessions/sender-start.io.ts";
import { openFolderStore } from "../../../../server/store/folder-store.io.ts";
import { dropFolders, freshFolder, storeImage } from "../../../rig/lab-kit.ts";
import { freePort } from "../../../rig/ports.ts";

afterAll(dropFolders);

test(
  "senderStarter() starts a thread for the very image that was asked " + "for, and stop() ends it",
  async () => {
    const folder = freshFolder();
    const imageId = await storeImage(folder, "ubuntu");
    const store = path.join(folder, "images");
    const imageParts = new ImageParts(openFolderStore(store));
    const start = senderStarter({
      records: (name, id) => ({
        path: path.join(store, `${name}.huck`),
        ...imageParts.places({ name, id }),
      }),
      interfaceName: "lo",
      address: "127.0.0.1",
      seed: () => 1,
    });
    const request = {
      image: "ubuntu",
      imageId,
      session: "0123456789abcdef",
      key: "0".repeat(32),
      group: "239.192.77.99",
      port: freePort(),
      symbolBytes: 1408,
      rateBitsPerSecond: 1e8,
      members: 1,
      gatherMs: 60_000,
    };
    await expect(start({ ...request, imageId: "f".repeat(64) })).rejects.toMatchObject({
      code: "no_such_image",
    });
    const handle = await start(request);
    expect(handle.chunkCount).toBe(3);
    expect(handle.sender.address).toBe("127.0.0.1");
    expect(handle.sender.port).toBeGreaterThan(0);
    handle.stop();
    expect(await handle.ended).toMatch(/ended the session/);
  },
);
