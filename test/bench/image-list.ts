/**
 * Measures what a list of many images costs the server's main thread.
 *
 * The store is opened in a process of its own kind: first with nothing remembered, then listed
 * again, then opened anew as after a restart. Beside it a timer of 1 ms stands for DHCP, TFTP and
 * arms; how late it comes is what they would feel. "busy" is the time the event loop was not idle.
 *
 * Then a whole server runs over the same store, and a node arms again and again, first undisturbed,
 * then while an operator lists images without a pause.
 *
 *     node test/bench/image-list.ts [images] [chunks]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { openFolderStore } from "../../server/store/folder-store.io.ts";
import type { RunningServer } from "../../server/main.io.ts";
import { ImageList, JobCreated } from "../../shared/control/operator-api.ts";
import type { ImageStore } from "../../shared/image/store.ts";
import { makeImages } from "../rig/image-store.ts";
import { TestNode, operate, orderIn, serveIn } from "../rig/lab-kit.ts";
import { freePort } from "../rig/ports.ts";
import { storeImage } from "../rig/small-image.ts";

interface Cost {
  readonly what: string;
  readonly elapsedMs: number;
  readonly busyMs: number;
  readonly delayMaxMs: number;
  readonly delayP99Ms: number;
}

const [images = 200, chunks = 20_000] = process.argv.slice(2).map(Number);

async function measured(what: string, work: () => Promise<unknown>): Promise<Cost> {
  await sleep(50);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const before = performance.eventLoopUtilization();
  const begin = performance.now();
  await work();
  const elapsedMs = performance.now() - begin;
  const { active } = performance.eventLoopUtilization(before);
  await sleep(5);
  delay.disable();
  return {
    what,
    elapsedMs: rounded(elapsedMs),
    busyMs: rounded(active),
    delayMaxMs: rounded(delay.max / 1e6),
    delayP99Ms: rounded(delay.percentile(99) / 1e6),
  };
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}

async function listAll(store: ImageStore): Promise<void> {
  const { images: found, torn } = await store.list();
  if (found.length !== images || torn.length > 0) throw new Error(`${found.length} images listed`);
}

/** How long arms take, from the request to the answer. */
interface ArmDelay {
  readonly what: string;
  readonly arms: number;
  readonly lists: number;
  readonly medianMs: number;
  readonly maxMs: number;
}

async function armDelay(server: RunningServer, node: TestNode, order: string): Promise<ArmDelay[]> {
  const measure = async (what: string, lists: () => number): Promise<ArmDelay> => {
    const delays: number[] = [];
    for (let arm = 0; arm < ARMS; arm += 1) {
      const begin = performance.now();
      const { allowed } = await node.arm(order);
      if (!allowed) throw new Error("the arm was refused");
      delays.push(performance.now() - begin);
    }
    delays.sort((left, right) => left - right);
    const [medianMs, maxMs] = [delays[ARMS >> 1] ?? 0, delays.at(-1) ?? 0].map(rounded);
    return { what, arms: ARMS, lists: lists(), medianMs: medianMs ?? 0, maxMs: maxMs ?? 0 };
  };
  const quiet = await measure("arms, undisturbed", () => 0);
  let lists = 0;
  const stop = new AbortController();
  const listing = (async (): Promise<void> => {
    for (; !stop.signal.aborted; lists += 1) {
      const found = ImageList.parse((await operate(server, "GET", "/v1/images")).body);
      if (found.images.length !== images + 1) throw new Error(`${found.images.length} listed`);
    }
  })();
  const busy = await measure("arms while images are listed", () => lists);
  stop.abort();
  await listing;
  return [quiet, busy];
}

/** The arms of one node of a server that has all the images. */
async function servedArms(folder: string): Promise<ArmDelay[]> {
  await storeImage(folder, "ubuntu");
  const server = await serveIn(folder, freePort());
  try {
    const body = { image: "ubuntu", nodes: ["fit01"], gatherSeconds: 0 };
    JobCreated.parse((await operate(server, "POST", "/v1/loads", body)).body);
    const node = await TestNode.boot(server, "fit01");
    return await armDelay(server, node, orderIn(await node.join())?.id ?? "");
  } finally {
    await server.close();
  }
}

const ARMS = 200;

const root = mkdtempSync(join(tmpdir(), "huck-list-"));
const folder = join(root, "images");
try {
  await makeImages(folder, images, chunks);
  const costs: Cost[] = [await measured("nothing", () => sleep(100))];
  let store = openFolderStore(folder, { keepSummaries: true });
  costs.push(await measured("list, every file new", () => listAll(store)));
  for (let round = 0; round < 3; round += 1) {
    costs.push(await measured("list, every file known", () => listAll(store)));
  }
  await store.close();
  store = openFolderStore(folder, { keepSummaries: true });
  costs.push(await measured("list after a restart", () => listAll(store)));
  const open = async (): Promise<void> => {
    (await store.open({ name: "many-000" })).close();
  };
  costs.push(await measured("open, index not proven yet", open));
  costs.push(await measured("open, index proven", open));
  await store.close();
  const arms = await servedArms(root);
  process.stdout.write(`${JSON.stringify({ images, chunks, costs, arms }, undefined, 2)}\n`);
} finally {
  rmSync(root, { recursive: true });
}
