/**
 * The campaign of images: `node test/campaigns/images.ts [mutated images] [seed]`.
 *
 * Cuts an image at every length of its last 64 KiB, then makes 20,000 mutated images of a dozen
 * kinds, opens, checks and restores each, and prints counts by outcome, the longest time and the
 * memory. It fails if an image is taken for whole that is not, if a disk is written to for one that
 * is damaged, if one image takes more than two seconds, or if memory grows beyond its bound.
 */
import { performance } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { FormatError } from "../../shared/core/errors.ts";
import { seededRandom } from "../../shared/core/random.ts";
import { openImage } from "../../shared/image/reader.ts";
import { gptDisk, imageBytes, savedBytes } from "../rig/image-fixtures.ts";
import { MUTATIONS, originalOf, outcomeOf } from "../rig/image-mutations.ts";

const TIME_MAX_MS = 2000;
/** Beyond what the original takes. Unit: bytes. */
const MEMORY_MAX = 256 << 20;
const CUT_BYTES = 64 << 10;
const count = Number(process.argv[2] ?? 20_000);
const seed = Number(process.argv[3] ?? 7);

/** A GPT disk with an ext4 of 2 MiB and little else, so that 20,000 restores take minutes. */
const disk = gptDisk();
for (let at = 4 << 20; at < 6 << 20; at += 1) if (at % 65_536 > 4096) disk[at] = 0;
const original = await originalOf(await savedBytes(disk));
const { image } = original;
const random = seededRandom(seed);

const cuts = new Map<string, number>();
for (
  let length = Math.max(0, image.byteLength - CUT_BYTES);
  length < image.byteLength;
  length += 1
) {
  note(cuts, cutAt(length));
}
console.log(`image of ${image.byteLength} bytes, cut at its last ${CUT_BYTES} lengths:`);
print(cuts);

const kinds = Object.entries(MUTATIONS);
const outcomes = new Map<string, number>();
const failures: string[] = [];
let longestMs = 0;
let memory = 0;
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const before = memoryInUse();
for (let run = 0; run < count; run += 1) {
  const [kind, mutate] = kinds[run % kinds.length] ?? ["", () => image];
  const mutant = mutate(image, random);
  const begun = performance.now();
  try {
    note(outcomes, await outcomeOf(mutant, original));
  } catch (error) {
    failures.push(`run ${run}, ${kind}: ${String(error)}`);
  }
  longestMs = Math.max(longestMs, performance.now() - begun);
  memory = Math.max(memory, memoryInUse() - before);
  collect(); // else the memory of the next is that of garbage
}
console.log(`${count} mutated images of ${kinds.length} kinds, seed ${seed}:`);
print(outcomes);
console.log(`longest ${Math.round(longestMs)} ms, memory +${Math.round(memory / 1e6)} MB`);
for (const failure of failures.slice(0, 20)) console.log(failure);
const held = failures.length === 0 && longestMs <= TIME_MAX_MS && memory <= MEMORY_MAX;
console.log(held ? "images: held" : `images: ${failures.length} failures, or a bound was passed`);
process.exitCode = held ? 0 : 1;

/** Memory of the process without the pages of garbage that V8 keeps for later. Unit: bytes. */
function memoryInUse(): number {
  const { rss, heapTotal, heapUsed } = process.memoryUsage();
  return rss - heapTotal + heapUsed;
}

function cutAt(length: number): string {
  try {
    openImage(imageBytes(image.subarray(0, length)));
  } catch (error) {
    if (error instanceof FormatError) return `refused: ${error.code}`;
    throw error;
  }
  throw new Error(`an image cut at ${length} bytes was opened`);
}

function note(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function print(counts: ReadonlyMap<string, number>): void {
  for (const [key, times] of [...counts].sort())
    console.log(`  ${String(times).padStart(6)}  ${key}`);
}
