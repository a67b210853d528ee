/**
 * Goal: a node is said to hold an image only if a load wrote it. Method: a lab in made-up time, and
 * verdicts as nodes give them.
 */
import { afterAll, beforeEach, expect, test } from "vitest";
import { heldOf } from "../../../../server/jobs/held-image.ts";
import { TestLab } from "../../../rig/lab-fixture.ts";
import { DISK, dropFolders, verdictOf } from "../../../rig/lab-kit.ts";

let lab: TestLab;
beforeEach(async () => {
  lab = await TestLab.make();
});
afterAll(dropFolders);

function shown(): [string | null, boolean] {
  const [node] = lab.lab.nodes();
  return [node?.image ?? null, node?.incomplete ?? false];
}

/** Runs a load to its verdict. */
function load(code: "ok" | "disk_too_small" | "disk_write_error", image = "ubuntu"): void {
  lab.load(["fit01"], { image });
  const { visitor, order } = lab.join("fit01");
  if (code !== "disk_too_small") lab.lab.desk.arm(visitor, { order, disk: DISK }, lab.now);
  const untouched = code === "disk_too_small";
  const verdict = { ...verdictOf(code), diskUntouched: untouched, incomplete: code !== "ok" };
  lab.lab.desk.verdict(visitor, { order, verdict }, lab.now);
}

test("nodes() shows no image that the node did not get", () => {
  lab.load(["fit01"]);
  expect(shown()).toEqual([null, false]);
  const { visitor, order } = lab.join("fit01");
  expect(shown()).toEqual([null, false]);
  lab.end(visitor, order, "disk_too_small");
  expect(shown()).toEqual([null, false]);
  const job = lab.load(["fit01"]);
  lab.lab.abort(job, lab.now);
  expect(shown()).toEqual([null, false]);
});

test("nodes() goes on showing the image that a later load did not touch", () => {
  load("ok");
  expect(shown()).toEqual(["ubuntu", false]);
  load("disk_too_small", "debian");
  expect(shown()).toEqual(["ubuntu", false]);
  lab.restart();
  expect(shown()).toEqual(["ubuntu", false]);
  lab.save("fit01", "mine");
  expect(shown()).toEqual(["ubuntu", false]);
});

test("nodes() says that a disk holds only a part, while it is written and after a failure", () => {
  load("ok");
  lab.load(["fit01"], { image: "debian" });
  const { visitor, order } = lab.join("fit01");
  expect(shown()).toEqual(["ubuntu", false]);
  lab.lab.desk.arm(visitor, { order, disk: DISK }, lab.now);
  expect(shown()).toEqual(["debian", true]);
  lab.wait(4000);
  expect(lab.lab.nodes()[0]?.verdict).toMatchObject({ code: "lost", incomplete: true });
  expect(shown()).toEqual(["debian", true]);
  load("ok");
  expect(shown()).toEqual(["ubuntu", false]);
});

test("heldOf() reads what an older version kept: the last verdict alone", () => {
  const sight = { node: "fit01", lastSeen: 0, disks: [] };
  expect(heldOf(undefined)).toBe(null);
  expect(heldOf({ ...sight, last: null })).toBe(null);
  const last = { image: "ubuntu", verdict: verdictOf("ok") };
  expect(heldOf({ ...sight, last })).toEqual({ image: "ubuntu", incomplete: false });
  const failed = { image: "ubuntu", verdict: verdictOf("disk_too_small") };
  expect(heldOf({ ...sight, last: failed })).toBe(null);
});
