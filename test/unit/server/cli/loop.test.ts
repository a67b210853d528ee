/**
 * Goal: Ctrl-C ends a job cleanly with exit code 5, and a server that restarts costs nothing but a
 * moment. Method: the real binary, signals, and a server that is closed and started again.
 */
import { once } from "node:events";
import { text } from "node:stream/consumers";
import type { ChildProcess } from "node:child_process";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import type { RunningServer } from "../../../../server/main.ts";
import {
  TestNode,
  dropFolders,
  freshFolder,
  operate,
  serveIn,
  somePort,
  storeImage,
} from "../lab-kit.ts";
import { startHuck } from "./cli-kit.ts";

let folder: string;
let server: RunningServer;
const port = somePort();

beforeEach(async () => {
  folder = freshFolder();
  await storeImage(folder, "ubuntu");
  server = await serveIn(folder, port);
});
afterEach(async () => {
  await server.close();
});
afterAll(dropFolders);

function startLoad(): { child: ChildProcess; begun: Promise<void>; output: Promise<string> } {
  const child = startHuck(["image-load", "--socket", server.socket, "-i", "ubuntu", "1"], folder);
  const begun = Promise.withResolvers<undefined>();
  child.stdout?.once("data", () => {
    begun.resolve(undefined);
  });
  const { stdout } = child;
  if (stdout === null) throw new Error("no pipe");
  return { child, begun: begun.promise, output: text(stdout) };
}

test(
  "the first Ctrl-C aborts the job, tells so, and exits 5 when every " + "node has ended",
  async () => {
    const { child, begun, output } = startLoad();
    await begun;
    child.kill("SIGINT");
    const [exitCode] = (await once(child, "exit")) as [number];
    expect(exitCode).toBe(5);
    expect(await output).toMatch(
      /aborting: [^]*fit01: NOT OK aborted[^]*0 of 1 nodes ok, aborted\n$/,
    );
  },
);

test("the second Ctrl-C quits at once although a node is still at work", async () => {
  const { child, begun } = startLoad();
  await begun;
  await (await TestNode.boot(server, "fit01")).join();
  child.kill("SIGINT");
  await expect
    .poll(async () => JSON.stringify((await operate(server, "GET", "/v1/nodes")).body))
    .toContain("joining");
  await new Promise((resolve) => setTimeout(resolve, 300));
  child.kill("SIGINT");
  expect(await once(child, "exit")).toEqual([5, null]);
});

test(
  "a server that restarts in mid-job is asked again, and no event is " + "lost or told twice",
  async () => {
    const { child, begun, output } = startLoad();
    await begun;
    const node = await TestNode.boot(server, "fit01");
    const { order } = await node.join();
    await server.close();
    server = await serveIn(folder, port);
    await node.end(order?.order.id ?? "", "ok_unchanged");
    expect(await once(child, "exit")).toEqual([0, null]);
    const lines = (await output).split("\n");
    expect(lines.filter((line) => line.includes("fit01: joining"))).toHaveLength(1);
    expect(lines.at(-2)).toBe("1 of 1 nodes ok");
  },
);
