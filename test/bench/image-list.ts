/**
 * Measures what a list of many images costs the server's main thread.
 *
 * The store is opened in a process of its own kind: first with nothing remembered, then listed
 * again, then opened anew as after a restart. Beside it a timer of 1 ms stands for DHCP, TFTP and
 * arms; how late it comes is what they would feel. "busy" is the time the event loop was not idle.
 *
 *     node test/bench/image-list.ts [images] [chunks]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { openFolderStore } from "../../server/store/folder-store.io.ts";
import type { ImageStore } from "../../shared/image/store.ts";
import { makeImages } from "../rig/image-store.ts";

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

const folder = mkdtempSync(join(tmpdir(), "huck-list-"));
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
  process.stdout.write(`${JSON.stringify({ images, chunks, costs }, undefined, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true });
}
