/**
 * Goal: image-load says what is true and ends with the right exit code. Method: the real binary
 * against a real server on loopback; TestNode is the node.
 */
import { expect, test } from "vitest";
import { Event } from "../../../../../shared/control/event.ts";
import type { VerdictCode } from "../../../../../shared/control/verdict.ts";
import { TestNode, operate, orderIn } from "../../../../rig/lab-kit.ts";
import { ServerPerTest } from "../../../../rig/server-per-test.ts";
import { huck } from "./cli-kit.ts";
import type { Ran } from "./cli-kit.ts";

const lab = new ServerPerTest();
const socket = (): Record<string, string> => ({ HUCK_SOCKET: lab.server.socket });

/** Waits until the job has begun, then plays a node to a verdict. */
async function play(name: string, code: VerdictCode): Promise<void> {
  await lab.jobBegun();
  const node = await TestNode.boot(lab.server, name);
  const reply = await node.join();
  await node.end(orderIn(reply)?.id ?? "", code);
}

async function load(words: string[], ends: Record<string, VerdictCode>): Promise<Ran> {
  const played = Object.entries(ends).map(([name, code]) => play(name, code));
  const ran = await huck(["image-load", "-i", "ubuntu", ...words], socket());
  await Promise.all(played);
  return ran;
}

test(
  "image-load exits 0 when every node is right, with one clean line per " + "event in a pipe",
  async () => {
    const { exitCode, stdout } = await load(["1-2"], {
      fit01: "ok_unchanged",
      fit02: "ok_unchanged",
    });
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain("\u001b");
    expect(stdout).toMatch(/^load ubuntu to 2 nodes, job [0-9a-f]{32}$/m);
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d fit01: ok \(nothing differed\)$/m);
    expect(stdout.trimEnd().split("\n").at(-1)).toBe("2 of 2 nodes ok");
  },
);

test("image-load exits 1 and names node, reason and cure when one is not right", async () => {
  const { exitCode, stdout } = await load(["1", "2"], {
    fit01: "ok_unchanged",
    fit02: "disk_too_small",
  });
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/^fit02: NOT OK disk_too_small: the reason\. The cure\.$/m);
  expect(stdout.trimEnd().split("\n").at(-1)).toBe("1 of 2 nodes ok");
});

test("image-load --json prints events and a summary, one object per line", async () => {
  const { exitCode, stdout } = await load(["--json", "fit01"], { fit01: "lost" });
  const lines = stdout
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
  expect(lines.slice(0, -1).every((line) => Event.safeParse(line).success)).toBe(true);
  expect(lines.at(-1)).toMatchObject({
    kind: "summary",
    exitCode: 1,
    nodesOk: 0,
    nodesNotOk: 1,
    nodes: [{ node: "fit01", verdict: { code: "lost" } }],
  });
  expect(exitCode).toBe(1);
});

test(
  "image-load refuses before anything is begun: exit 2 for words, 4 for " +
    "situations, 6 without a server",
  async () => {
    const run = (words: string[], env = socket()): Promise<Ran> =>
      huck(["image-load", ...words], env);
    expect((await run(["1-2"])).exitCode).toBe(2);
    expect((await run(["-i", "ubuntu", "ubuntu-24"])).exitCode).toBe(2);
    expect((await run(["-i", "ubuntu"])).exitCode).toBe(2);
    expect((await run(["-i", "ubuntu", "-t", "soon", "1"])).exitCode).toBe(2);
    const unconfirmed = await run(["-i", "ubuntu", "3"]);
    expect(unconfirmed).toMatchObject({ exitCode: 4, stdout: "" });
    expect(unconfirmed.stderr).toMatch(/^huck: Cannot begin: "fit03".*\n {2}.*--yes/);
    expect((await run(["-i", "none", "1"])).exitCode).toBe(4);
    expect((await run(["-i", "ubuntu", "1"], { HUCK_SOCKET: "/nowhere/huck.sock" })).exitCode).toBe(
      6,
    );
  },
);

test("image-load --dry-run shows the plan and begins nothing", async () => {
  const { exitCode, stdout } = await huck(
    ["image-load", "-i", "ubuntu", "--dry-run", "-a"],
    socket(),
  );
  expect(exitCode).toBe(4);
  expect(stdout).toMatch(/^image ubuntu, [0-9a-f]{12}: /);
  expect(stdout).toMatch(/^fit01 +free +never seen +ready$/m);
  expect(stdout).toMatch(/^fit03 +confirm +never seen +refused: needs --yes$/m);
  const yes = await huck(["image-load", "-i", "ubuntu", "--dry-run", "-a", "-y"], socket());
  expect(yes.exitCode).toBe(0);
  const { body } = await operate(lab.server, "GET", "/v1/nodes");
  expect((body as { nodes: { job: unknown }[] }).nodes.every(({ job }) => job === null)).toBe(true);
});
