/**
 * Goal: the loop does what the lab still wants and nothing else, and no fault on the way ends it.
 * Method: a lab in made-up time; enter drivers and proofs that end when the test says so.
 */
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";
import type { EnterOutcome } from "../../../../server/enter/enter-driver.ts";
import { LabLoop } from "../../../../server/jobs/lab-loop.io.ts";
import { dropFolders } from "../../../rig/lab-kit.ts";
import { TestLab } from "../../../rig/lab-fixture.ts";

/** Something that was begun and ends when the test says so. */
interface Begun<T> {
  readonly name: string;
  readonly signal: AbortSignal;
  readonly end: (result: T) => void;
  readonly fail: (thrown: Error) => void;
}

const NAMES = Array.from({ length: 48 }, (_, index) => `pc${index}`);
const STARTED: EnterOutcome = { started: true, detail: "restarted" };

let lab: TestLab;
let loop: LabLoop;
const entered: Begun<EnterOutcome>[] = [];
const proofs: Begun<undefined>[] = [];
const faults: unknown[] = [];
const journalSays: string[] = [];
type Enter = ConstructorParameters<typeof LabLoop>[0]["enter"];
const entersWhenTold: Enter = (node, { signal }) => begun(entered, node, signal);
let enter = entersWhenTold;

function begun<T>(list: Begun<T>[], name: string, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  list.push({ name, signal, end: resolve, fail: reject });
  return promise;
}

function start(): void {
  loop = new LabLoop({
    lab: lab.lab,
    images: {
      prove: (image, signal) => begun(proofs, image.name, signal ?? new AbortController().signal),
    },
    now: () => lab.now,
    enter: (node, bounds) => enter(node, bounds),
    wantedChanged: () => undefined,
    failed: (thrown) => {
      faults.push(thrown);
    },
    journalChanged: (fault) => {
      journalSays.push(fault?.code ?? "writes again");
    },
  });
}

/** Adds 48 nodes to the lab. */
function withMany(config: string): string {
  const mac = (index: number): string => `52:54:00:00:01:${index.toString(16).padStart(2, "0")}`;
  return `${config}${NAMES.map(
    (name, index) => `  - { name: ${name}, macs: ["${mac(index)}"], reimage: free }\n`,
  ).join("")}`;
}

/** What was resolved just now is carried out. */
async function settle(): Promise<void> {
  await new Promise(setImmediate);
}

function notes(job: string): string[] {
  return lab.events(job).flatMap((event) => (event.kind === "note" ? [event.text] : []));
}

beforeEach(async () => {
  lab = await TestLab.make();
  for (const list of [entered, proofs, faults, journalSays]) list.length = 0;
  enter = entersWhenTold;
});
afterEach(() => {
  loop.close();
});
afterAll(dropFolders);

test("an aborted job starts no node any longer, and ends the waits that run", async () => {
  lab.restart(withMany);
  start();
  const job = lab.load(NAMES);
  loop.heed();
  expect(entered).toHaveLength(16);
  lab.lab.abort(job, lab.now);
  loop.heed();
  expect(entered.every(({ signal }) => signal.aborted)).toBe(true);
  for (const { end } of entered) end(STARTED);
  await settle();
  expect(entered).toHaveLength(16);
  expect(notes(job)).toEqual(["aborted by somebody unknown"]);
});

test("a node that spoke before its turn came is not restarted; the others are", async () => {
  lab.restart(withMany);
  start();
  lab.load(NAMES);
  loop.heed();
  lab.join("pc20");
  for (let at = 0; at < entered.length; at += 1) {
    entered[at]?.end(STARTED);
    await settle();
  }
  expect(entered.map(({ name }) => name)).toEqual(NAMES.filter((name) => name !== "pc20"));
});

test("a node that speaks while it is started does not end that start", () => {
  start();
  lab.load(["fit01"]);
  loop.heed();
  lab.join("fit01");
  loop.heed();
  expect(entered[0]?.signal.aborted).toBe(false);
});

test("what an enter driver throws, at once or later, is a note of that order", async () => {
  start();
  enter = () => {
    throw new Error("no such node");
  };
  const one = lab.load(["fit01"]);
  loop.heed();
  await settle();
  expect(notes(one)).toEqual(["Cannot start fit01: no such node. Restart the node by hand."]);
  enter = entersWhenTold;
  const two = lab.load(["fit02"]);
  loop.heed();
  entered[0]?.fail(new Error("broken driver"));
  await settle();
  expect(notes(two)).toEqual(["Cannot start fit02: broken driver. Restart the node by hand."]);
  expect(faults).toHaveLength(2);
});

test("a proof that nobody waits for is broken off, and the next image is read", async () => {
  start();
  const first = lab.loadUnproven(["fit01"]);
  lab.loadUnproven(["fit02"], { image: "debian" });
  loop.heed();
  expect(proofs.map(({ name }) => name)).toEqual(["ubuntu"]);
  lab.lab.abort(first, lab.now);
  loop.heed();
  expect(proofs[0]?.signal.aborted).toBe(true);
  proofs[0]?.fail(new Error("broken off"));
  await settle();
  expect(proofs.map(({ name }) => name)).toEqual(["ubuntu", "debian"]);
  expect(proofs[1]?.signal.aborted).toBe(false);
});

test("loads of one image share a reading while one of them wants it, and its outcome", async () => {
  start();
  const first = lab.loadUnproven(["fit01"]);
  loop.heed();
  const second = lab.loadUnproven(["fit02"]);
  loop.heed();
  const third = lab.loadUnproven(["fit03"], { confirmed: true });
  loop.heed();
  lab.lab.abort(first, lab.now);
  loop.heed();
  expect(proofs[0]?.signal.aborted).toBe(false);
  proofs[0]?.fail(new Error("chunk 1 is damaged"));
  await settle();
  expect(proofs).toHaveLength(1);
  expect(lab.verdicts(second)).toEqual({ fit02: "image_damaged" });
  expect(lab.verdicts(third)).toEqual({ fit03: "image_damaged" });
  expect(lab.verdicts(first)).toEqual({ fit01: "aborted" });
});

test("a journal that cannot write is told once, and time goes on when it can again", async () => {
  start();
  const job = lab.loadUnproven(["fit01"], { deadlineSeconds: 10 });
  loop.heed();
  const broken = vi.spyOn(lab.journal, "putOrder").mockImplementation(() => {
    throw new Error("the disk is full");
  });
  proofs[0]?.fail(new Error("chunk 1 is damaged"));
  await settle();
  lab.now += 60_000;
  loop.wake();
  expect(journalSays).toEqual(["journal_unwritable"]);
  broken.mockRestore();
  for (let step = 0; step < 4; step += 1) {
    lab.now += 30_000;
    loop.wake();
  }
  expect(lab.verdicts(job)).toEqual({ fit01: "lost" });
  expect(journalSays).toEqual(["journal_unwritable", "writes again"]);
  expect(faults).toEqual([]);
});

test("a journal that fails in a request is told by the loop too", () => {
  start();
  vi.spyOn(lab.journal, "together").mockImplementation(() => {
    throw new Error("the disk is full");
  });
  expect(() => lab.loadUnproven(["fit01"])).toThrow(/full/);
  loop.heed();
  expect(journalSays).toEqual(["journal_unwritable"]);
});
