/** Goal: what a node should become follows from its order. Method: a lab in made-up time. */
import { afterAll, beforeEach, expect, test } from "vitest";
import { wantedOf } from "../../../../server/jobs/wanted.ts";
import { DISK, dropFolders } from "../../../rig/lab-kit.ts";
import { TestLab } from "../../../rig/lab-fixture.ts";
import { JournalDisk } from "../../../rig/memory-journal.ts";

let lab: TestLab;
beforeEach(async () => {
  lab = await TestLab.make(new JournalDisk());
});
afterAll(dropFolders);

test("wantedOf() no order is the node's own disk", () => {
  expect(wantedOf(undefined)).toEqual({ kind: "disk" });
});

test("a load wants its image until it has armed twice", () => {
  lab.load(["fit01"]);
  for (let boots = 0; boots < 2; boots += 1) {
    expect(lab.lab.wanted("fit01").kind).toBe("load");
    const { visitor, order } = lab.join("fit01");
    expect(lab.lab.wanted("fit01")).toEqual({ kind: "load", order });
    lab.lab.desk.arm(visitor, { order, disk: DISK }, lab.now);
  }
  expect(lab.lab.wanted("fit01")).toEqual({ kind: "disk" });
});

test("a save wants the node's disk until its job is aborted", () => {
  const job = lab.save("fit01", "mine");
  const { order } = lab.join("fit01");
  expect(lab.lab.wanted("fit01")).toEqual({ kind: "save", order });
  lab.lab.abort(job, lab.now);
  expect(lab.lab.wanted("fit01")).toEqual({ kind: "disk" });
});
