/**
 * Goal: the verbs on image files do what they say, refuse before they write, and leave nothing half
 * done. Method: the functions behind the verbs on files in a temporary folder.
 */
import {
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { imagePlace } from "../../../../../server/cli/local/image-place.ts";
import { progressLine, progressText } from "../../../../../server/cli/local/image-progress.io.ts";
import {
  restoreLocally,
  type RestoreTask,
} from "../../../../../server/cli/local/restore-locally.io.ts";
import { saveImage, type SaveTask } from "../../../../../server/cli/local/save-locally.io.ts";
import { checkLines, infoLines } from "../../../../../server/cli/local/image-text.ts";
import type { TerminalReporter } from "../../../../../server/cli/terminal-reporter.io.ts";
import { gptDisk, MIB, saved } from "../../../../rig/image-fixtures.ts";

const folder = mkdtempSync(join(tmpdir(), "huck-local-"));
const path = (name: string): string => join(folder, name);
const told: string[] = [];
const reporter: TerminalReporter = {
  event: (text) => {
    if (text !== undefined) told.push(text);
  },
  progress: () => undefined,
};
const never = new AbortController().signal;

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function saveTask(source: string, name: string): SaveTask {
  const place = imagePlace(name, path("store"));
  const program = { tool: "huck test", host: "here" };
  return { source, place, rawIfDirty: false, level: 1, codec: "auto", ...program };
}

function restoreTask(image: string, target: string, erase?: string): RestoreTask {
  const task = { image, target, verify: "full", codec: "auto" } as const;
  return erase === undefined ? task : { ...task, erase };
}

describe("saveImage() and restoreLocally()", () => {
  test.each([512, 4096])("bring a disk with %i-byte sectors into a new file", async (sector) => {
    writeFileSync(path(`disk-${sector}`), gptDisk(sector));
    const image = await saveImage(saveTask(path(`disk-${sector}`), `i${sector}`), reporter, never);
    const file = path(`store/i${sector}.huck`);
    const target = path(`copy-${sector}`);
    await restoreLocally(restoreTask(file, target), reporter, never);
    const again = await saveImage(saveTask(target, `again-${sector}`), reporter, never);
    expect(again.id).toBe(image.id);
    const tail = readFileSync(target).subarray(4 * MIB, 6 * MIB);
    expect(Buffer.compare(tail, gptDisk(sector).subarray(4 * MIB, 6 * MIB))).toBe(0);
    expect(told.join()).toContain("Partition 2 is kept whole");
  });

  test("make files that only their owner may read, as with the disk itself", () => {
    for (const made of ["store/i512.huck", "copy-512"]) {
      expect(statSync(path(made)).mode & 0o777).toBe(0o600);
    }
  });

  test("P7: spare a whole file whose second name an earlier restore has left", async () => {
    writeFileSync(path("moved away"), "a whole file");
    linkSync(path("moved away"), path("anew.huck-part"));
    const image = path("store/i512.huck");
    await restoreLocally(restoreTask(image, path("anew")), reporter, never);
    expect(readFileSync(path("moved away"), "latin1")).toBe("a whole file");
    expect(existsSync(path("anew.huck-part"))).toBe(false);
    rmSync(path("anew"));
  });

  test("P7: refuse a name that is taken, and a source that is not there", async () => {
    const task = saveTask(path("disk-512"), "i512");
    await expect(saveImage(task, reporter, never)).rejects.toThrow(/the name is taken/);
    const nothing = saveTask(path("nowhere"), "new");
    await expect(saveImage(nothing, reporter, never)).rejects.toThrow(/there is no such file/);
  });

  test("leave nothing behind when a save is stopped", async () => {
    const stopped = AbortSignal.abort();
    const before = readdirSync(path("store"));
    const work = saveImage(saveTask(path("disk-512"), "never"), reporter, stopped);
    await expect(work).rejects.toThrow(/it was stopped/);
    expect(readdirSync(path("store"))).toEqual(before);
  });

  test("erase an existing file only when it is named", async () => {
    const target = path("precious");
    writeFileSync(target, new Uint8Array(9 * MIB).fill(5));
    const image = path("store/i512.huck");
    for (const erase of [undefined, path("other")]) {
      const work = restoreLocally(restoreTask(image, target, erase), reporter, never);
      await expect(work).rejects.toThrow(/it exists, and --erase/);
    }
    expect(readFileSync(target).every((byte) => byte === 5)).toBe(true);
    await restoreLocally(restoreTask(image, target, target), reporter, never);
    expect(readFileSync(target)[510]).toBe(0x55);
  });

  test("refuse a file that is too small and leave it alone", async () => {
    const target = path("small");
    writeFileSync(target, new Uint8Array(MIB).fill(5));
    const work = restoreLocally(
      restoreTask(path("store/i512.huck"), target, target),
      reporter,
      never,
    );
    await expect(work).rejects.toThrow(/the disk has 1048576 bytes/);
    expect(readFileSync(target).every((byte) => byte === 5)).toBe(true);
  });

  test("tell why a save failed, also when its draft cannot be removed", async () => {
    const stop = new AbortController();
    const meddling: TerminalReporter = {
      ...reporter,
      progress: () => {
        for (const entry of readdirSync(path("store"))) {
          if (entry.startsWith(".draft-")) rmSync(path(`store/${entry}`));
        }
        stop.abort();
      },
    };
    const work = saveImage(saveTask(path("disk-512"), "never"), meddling, stop.signal);
    await expect(work).rejects.toThrow(/it was stopped/);
  });

  test("leave no new file when nothing could be written, and a begun one alone", async () => {
    const damaged = readFileSync(path("store/i512.huck"));
    damaged[5000] = (damaged[5000] ?? 0) ^ 1;
    writeFileSync(path("damaged.huck"), damaged);
    const target = path("new");
    const work = restoreLocally(restoreTask(path("damaged.huck"), target), reporter, never);
    await expect(work).rejects.toThrow(/Cannot use image ".*damaged.huck": chunk 1/);
    expect(existsSync(target)).toBe(false);
    const stop = new AbortController();
    const stopping: TerminalReporter = {
      ...reporter,
      progress: (text) => {
        if (text.startsWith("writing")) stop.abort();
      },
    };
    const image = path("store/i512.huck");
    const begun = restoreLocally(restoreTask(image, target), stopping, stop.signal);
    await expect(begun).rejects.toThrow(/it was stopped/);
    await expect(begun).rejects.toMatchObject({ code: "aborted", exitCode: 5 });
    expect(readdirSync(folder).filter((name) => name.startsWith("new"))).toEqual([]);
  });

  test("make no target when the image is torn", async () => {
    writeFileSync(path("torn.huck"), readFileSync(path("store/i512.huck")).subarray(0, -10));
    const work = restoreLocally(restoreTask(path("torn.huck"), path("none")), reporter, never);
    await expect(work).rejects.toThrow(/Cannot read image ".*torn.huck"/);
    expect(existsSync(path("none"))).toBe(false);
  });
});

describe("imagePlace()", () => {
  test.each([
    ["lab", { folder: "/store", name: "lab", file: "/store/lab.huck" }],
    ["lab.huck", { folder: ".", name: "lab", file: "lab.huck" }],
    ["/a/lab.huck", { folder: "/a", name: "lab", file: "/a/lab.huck" }],
    ["./lab", { folder: ".", name: "lab", file: "lab" }],
  ])("finds %s, with the store in /store, at %o", (typed, place) => {
    expect(imagePlace(typed, "/store")).toEqual(place);
  });
});

describe("image text", () => {
  test("infoLines() names disk, partitions, modes and reasons", async () => {
    const { index } = await saved(gptDisk());
    const lines = infoLines(index).join("\n");
    expect(lines).toMatch(/part 1 +ext4 "lab", .* allocated: its ext4 map is true/);
    expect(lines).toMatch(/part 2 +raw, 2.10 MB of 2.10 MB, raw: no known file system/);
    expect(lines).toMatch(/needs +a disk of at least 6308352 bytes/);
  });

  test("checkLines() ends with the verdict and names places", () => {
    const problem = { message: "Bad", chunk: 3, partition: 1, diskBytes: [0, 512] as const };
    const check = { chunks: 9, problems: [problem, { message: "Gap" }], problemCount: 2 };
    expect(checkLines(check)).toEqual([
      "Bad (partition 1, disk bytes 0 to 512)",
      "Gap",
      "2 problems in 9 chunks",
    ]);
    expect(checkLines({ chunks: 9, problems: [], problemCount: 0 })).toEqual([
      "9 chunks are right",
    ]);
  });
});

describe("image progress", () => {
  test("progressText() tells share, rate and time left", () => {
    const state = { doneBytes: 256e6, totalBytes: 1e9, elapsedMs: 2000 };
    expect(progressText("saving", state)).toBe(
      "saving 25 %  256 MB of 1.00 GB  128 MB/s  6 s left",
    );
    const start = { doneBytes: 0, totalBytes: 0, elapsedMs: 0 };
    expect(progressText("saving", start)).toBe("saving 100 %  0 bytes of 0 bytes  0 bytes/s");
  });

  test("progressLine() renews at most five times a second and at the end", () => {
    const shown: string[] = [];
    let now = 1000;
    const line = progressLine({ ...reporter, progress: (text) => shown.push(text) }, () => now);
    for (let done = 0; done <= 100; done += 1) {
      line("saving", done, 100);
      now += 10;
    }
    expect(shown.length).toBeGreaterThanOrEqual(5);
    expect(shown.length).toBeLessThanOrEqual(7);
    expect(shown.at(-1)).toMatch(/^saving 100 %/);
  });
});
