/**
 * Goal: Ctrl-C ends a job cleanly with exit code 5, and a server that restarts costs nothing but a
 * moment. Method: the real binary, signals, and a server that is closed and started again.
 */
import { once } from "node:events";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import type { ChildProcess } from "node:child_process";
import { expect, test, vi } from "vitest";
import type { Event } from "../../../../../shared/control/event.ts";
import { NodeList } from "../../../../../shared/control/operator-api.ts";
import { followJob } from "../../../../../server/cli/remote/follow-job.io.ts";
import { Arrivals } from "../../../../rig/arrivals.ts";
import { TestNode, operate, orderIn } from "../../../../rig/lab-kit.ts";
import { ServerPerTest } from "../../../../rig/server-per-test.ts";
import { startHuck } from "./cli-kit.ts";

const lab = new ServerPerTest();

interface StartedLoad {
  readonly child: ChildProcess;
  /** Lines that it has printed; they end with its output. */
  readonly lines: Arrivals<string>;
}

/** Starts the verb and waits until it follows the job. */
async function startLoad(): Promise<StartedLoad> {
  const child = startHuck(
    ["image-load", "--socket", lab.server.socket, "-i", "ubuntu", "1"],
    lab.folder,
  );
  const lines = new Arrivals<string>();
  createInterface({ input: child.stdout ?? Readable.from([]) })
    .on("line", (line) => {
      lines.add(line);
    })
    .on("close", () => {
      lines.end();
    });
  await arrival(lines, /^load ubuntu to 1 node, job /);
  return { child, lines };
}

/** Waits for a line; fails the test if it does not come. */
async function arrival(lines: Arrivals<string>, wanted: RegExp): Promise<void> {
  const found = await lines.until((line) => wanted.test(line), 15_000);
  expect(found, lines.all.join("\n")).toMatch(wanted);
}

test(
  "the first Ctrl-C aborts the job, tells so, and exits 5 when every " + "node has ended",
  async () => {
    const { child, lines } = await startLoad();
    child.kill("SIGINT");
    expect(await once(child, "close")).toEqual([5, null]);
    expect(lines.all.join("\n")).toMatch(
      /aborting: [^]*fit01: NOT OK aborted[^]*0 of 1 node ok, aborted$/,
    );
  },
);

test("a closed pipe ends the verb quietly with exit code 6, and the job goes on", async () => {
  const { child } = await startLoad();
  const said = text(child.stderr ?? Readable.from([]));
  child.stdout?.destroy();
  await TestNode.boot(lab.server, "fit01");
  expect(await once(child, "exit")).toEqual([6, null]);
  expect(await said).toMatch(/^huck: nobody reads any longer; job [0-9a-f]{32} goes on\n$/);
  const { body } = await operate(lab.server, "GET", "/v1/nodes");
  expect(NodeList.parse(body).nodes[0]).toMatchObject({ phase: "booting", verdict: null });
});

test("Ctrl-C that ends the reader of the pipe too still aborts the job, exit code 5", async () => {
  const { child } = await startLoad();
  child.stdout?.destroy();
  child.kill("SIGINT");
  expect(await once(child, "exit")).toEqual([5, null]);
  const { body } = await operate(lab.server, "GET", "/v1/nodes");
  expect(NodeList.parse(body).nodes[0]?.verdict).toMatchObject({ code: "aborted" });
});

test("a verb that looks ends quietly with exit code 0 when nobody reads", async () => {
  const child = startHuck(["nodes", "--socket", lab.server.socket], lab.folder);
  const said = text(child.stderr ?? Readable.from([]));
  child.stdout?.destroy();
  expect(await once(child, "exit")).toEqual([0, null]);
  expect(await said).toBe("");
});

test("followJob() looks at the job once when its events end many times without news", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  const asked: string[] = [];
  const job = "0".repeat(32);
  const status = { job, action: "load", image: "x", createdAt: AT, nodes: [] };
  const followed = followJob({
    line: {
      // eslint-disable-next-line @typescript-eslint/require-await -- no event comes
      async *events(): AsyncGenerator<Event> {
        asked.push("events");
        yield* [];
      },
      get: (route, schema) => {
        asked.push(route);
        return Promise.resolve(schema.parse({ ...status, state: "ended" }));
      },
      delete: () => Promise.resolve(),
    },
    created: { job, nodes: ["fit01"], after: 0 },
    title: "load",
    image: "x",
    json: true,
  });
  const outcome = followed.catch((thrown: unknown) => thrown);
  await vi.advanceTimersByTimeAsync(60_000);
  vi.useRealTimers();
  expect(await outcome).toMatchObject({
    code: "no_end",
    exitCode: 6,
    message: expect.stringContaining("the server says it has ended") as string,
    cure: expect.stringContaining(`huck job show ${job}`) as string,
  });
  expect(asked).toEqual([...Array<string>(11).fill("events"), `/v1/jobs/${job}`]);
});
const AT = "2026-01-01T00:00:00.000Z";

test("the second Ctrl-C quits at once although a node is still at work", async () => {
  const { child, lines } = await startLoad();
  await (await TestNode.boot(lab.server, "fit01")).join();
  child.kill("SIGINT");
  await arrival(lines, /^aborting: /); // two signals at once would be one
  const { body } = await operate(lab.server, "GET", "/v1/nodes");
  expect(NodeList.parse(body).nodes[0]).toMatchObject({ phase: "joining", verdict: null });
  await arrival(lines, /aborted by/);
  await sleep(500); // the answer to the abort is on its way
  child.kill("SIGINT");
  expect(await once(child, "exit")).toEqual([5, null]);
});

test(
  "a server that restarts in mid-job is asked again, and no event is " + "lost or told twice",
  async () => {
    const { child, lines } = await startLoad();
    const node = await TestNode.boot(lab.server, "fit01");
    const order = orderIn(await node.join());
    await lab.close();
    await lab.start();
    await node.end(order?.id ?? "", "ok_unchanged");
    expect(await once(child, "close")).toEqual([0, null]);
    expect(lines.all.filter((line) => line.includes("fit01: joining"))).toHaveLength(1);
    expect(lines.all.at(-1)).toBe("1 of 1 node ok");
  },
);
