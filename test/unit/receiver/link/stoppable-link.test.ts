/** Goal: an abort does not wait for a silent server. Method: a link that never answers. */
import { expect, test } from "vitest";
import type { ServerLink } from "../../../../receiver/link/server-link.ts";
import { stoppableLink } from "../../../../receiver/link/stoppable-link.ts";

const never = new Promise<never>(() => undefined);
const silent = {
  session: () => never,
  tail: () => never,
  chunk: () => never,
  arm: () => Promise.resolve({ allowed: true }),
  capture: () => ({ append: () => never, commit: () => Promise.resolve(), abort: () => undefined }),
} as unknown as ServerLink;

test("stoppableLink() gives up what it waits for when the work is asked to stop", async () => {
  let stop: (reason: string) => void = () => undefined;
  const link = stoppableLink(silent, {
    onStop: (stopper) => {
      stop = stopper;
    },
  });
  const upload = link.capture();
  const request = { order: "1".repeat(32) } as Parameters<ServerLink["arm"]>[0];
  const appended = upload.append(new Uint8Array(1));
  const waits = [link.session(request), link.tail(), link.chunk(1), appended];
  stop("the operator said so");
  for (const wait of waits) {
    await expect(wait).rejects.toMatchObject({
      verdict: "aborted",
      message: "the operator said so",
    });
  }
  await expect(upload.commit()).resolves.toBeUndefined();
  await expect(link.arm(request)).resolves.toEqual({ allowed: true });
});
