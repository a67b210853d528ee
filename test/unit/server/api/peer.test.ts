/**
 * Goal: the kernel tells who is at the other end. Method: a unix socket to ourselves.
 */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { Socket } from "node:net";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { peerUidFinder } from "../../../../server/api/peer.io.ts";
import { libcProblem } from "../../../../shared/linux/libc.io.ts";
import { dropFolders, freshFolder } from "../../../rig/lab-kit.ts";

afterAll(dropFolders);

test.runIf(libcProblem() === undefined)("peerUidFinder() gives our own uid", async () => {
  const find = peerUidFinder();
  const server = createServer().listen(path.join(freshFolder(), "socket"));
  await once(server, "listening");
  const dialled = connect(server.address() as string);
  const [accepted] = (await once(server, "connection")) as [Socket];
  expect(find?.(accepted)).toBe(process.getuid?.());
  dialled.destroy();
  accepted.destroy();
  server.close();
});

test.runIf(libcProblem() === undefined)(
  "peerUidFinder() gives undefined for a closed socket",
  () => {
    expect(peerUidFinder()?.({ _handle: null })).toBeUndefined();
    expect(peerUidFinder()?.({})).toBeUndefined();
  },
);
