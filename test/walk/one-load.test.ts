/**
 * Goal: ARCHITECTURE's control walk is true. Method: one load is followed through every step of the
 * table: a real server on loopback, its real APIs, and a real receiver over a file, which is told
 * what a boot script would tell it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { openHost } from "../../receiver/host.io.ts";
import { NET_THREAD } from "../../shared/session/reception/reception-thread.io.ts";
import { parseReceiverOptions } from "../../receiver/options.ts";
import { visit } from "../../receiver/visit.ts";
import { OperatorLine } from "../../server/cli/remote/operator-line.io.ts";
import { selectNodes } from "../../server/cli/remote/node-range.ts";
import { parseConfig } from "../rig/parse-config.ts";
import { NODE_DRIVERS } from "../../server/node-drivers.io.ts";
import { startServer } from "../../server/main.io.ts";
import type { RunningServer } from "../../server/main.io.ts";
import { openFolderStore } from "../../server/store/folder-store.io.ts";
import { planDisk } from "../../shared/allocation/plan.ts";
import type { Event } from "../../shared/control/event.ts";
import {
  JobCreated,
  JobStatus,
  NodeList,
  NodeToken,
  OperatorRoute,
} from "../../shared/control/operator-api.ts";
import { memorySource } from "../rig/memory-source.ts";
import { captureImage } from "../../shared/image/capture.ts";
import { createChunkCodec } from "../../shared/image/codec.ts";
import { inlinePool } from "../../shared/image/codec-pool.ts";
import { pino } from "pino";
import { freePort } from "../rig/ports.ts";
import { randomMbrDisk } from "../rig/disk-fixtures.ts";
import { fileFolder } from "../rig/folder.ts";

const DISK_BYTES = 4 << 20;
const MAC = "02:00:00:00:00:07";

const folder = fileFolder();
let server: RunningServer | undefined;
afterEach(async () => {
  await server?.close();
});

async function storeImage(disk: Uint8Array): Promise<void> {
  const source = memorySource(disk);
  const draft = await openFolderStore(join(folder, "images")).draft("gold");
  const options = { level: 1, uuid: new Uint8Array(16), nowMs: 0, tool: "walk", host: "walk" };
  const out = { sink: draft, pool: inlinePool(await createChunkCodec("auto")) };
  await captureImage(source, planDisk(source, { rawIfDirty: false }), out, options);
  await draft.commit();
}

function configText(port: number): string {
  return [
    "server:",
    "  address: 127.0.0.1",
    `  httpPort: ${port}`,
    `  dataPort: ${port}`,
    "  socket: huck.sock",
    "  dhcp: { mode: off }",
    "nodes:",
    `  - { name: pc-7, macs: ["${MAC}"], reimage: free, disk: [{ bus: file }] }`,
    '  - { name: pc-8, macs: ["02:00:00:00:00:08"], disk: [{ bus: file }] }',
  ].join("\n");
}

test("a load goes every step of the control walk, and the disk holds the image", async () => {
  const disk = randomMbrDisk(5, DISK_BYTES, { start: 2048, sectorCount: 4096 });
  await storeImage(disk);
  const port = freePort();
  const config = parseConfig(configText(port), join(folder, "huck.yaml"), NODE_DRIVERS);
  server = await startServer({
    config,
    reread: () => Promise.resolve(config),
    version: "walk",
    log: pino({ level: "silent" }),
  });

  const line = new OperatorLine(server.socket);
  const { nodes } = await line.get(OperatorRoute.nodes, NodeList);
  const names = nodes.map(({ name }) => name);
  const chosen = selectNodes({ words: ["7"], all: false, fallback: undefined }, names);
  expect(chosen, "plan: a range became names").toEqual(["pc-7"]);

  const confirm = line.post(OperatorRoute.loads, { image: "gold", nodes: ["pc-8"] }, JobCreated);
  await expect(confirm, "plan: nodes to be confirmed are spared").rejects.toThrow(/confirm/);
  const load = { image: "gold", nodes: chosen, verify: "full", gatherSeconds: 0 };
  const created = await line.post(OperatorRoute.loads, load, JobCreated);
  const wanted = await line.get(OperatorRoute.nodes, NodeList);
  const node = wanted.nodes.find(({ name }) => name === "pc-7");
  expect(node, "want: the node belongs to the job").toMatchObject({ job: created.job });

  const token = await line.post(OperatorRoute.tokens, { node: "pc-7" }, NodeToken);
  const target = join(folder, "target.img");
  writeFileSync(target, new Uint8Array(DISK_BYTES));
  const words = [
    `huck.server=${token.serverUrl}`,
    `huck.token=${token.token}`,
    `huck.key=${token.serverKey}`,
    `BOOTIF=01-${MAC.replaceAll(":", "-")}`,
    `huck.disk=${target}`,
    "huck.data-interface=lo",
  ];
  const lines: string[] = [];
  const print = (text: string): void => void lines.push(text);
  const world = { print, netThread: NET_THREAD };
  const end = await visit(openHost(parseReceiverOptions(words.join(" ")), world));
  expect(end, "leave: as the order says").toMatchObject({ leave: "reboot" });
  expect(end.verdict, lines.join("\n")).toMatchObject({ code: "ok", incomplete: false });

  const events: Event[] = [];
  for await (const event of line.events(created.job, created.after)) events.push(event);
  const phases = events.flatMap((event) => (event.kind === "phase" ? [event.phase] : []));
  const steps = ["joining", "planning", "probing", "arming", "receiving", "flushing", "opening"];
  const seen = steps.filter((step) => phases.some((phase) => phase === step));
  expect(seen, "load: phases are events, in order").toEqual(steps);
  expect(
    events.filter(({ kind }) => kind === "verdict"),
    "verdict: exactly one",
  ).toHaveLength(1);
  expect(events.at(-1), "the stream ends with the job").toMatchObject({ kind: "end", nodesOk: 1 });
  const status = await line.get(`${OperatorRoute.jobs}/${created.job}`, JobStatus);
  expect(status).toMatchObject({ state: "ended", nodes: [{ verdict: { code: "ok" } }] });
  expect(Buffer.compare(readFileSync(target), disk), "the disk holds the image").toBe(0);
});
