/**
 * Goal: what was finished while the disk under the journal is full ends well, and nothing new
 * begins. Method: a lab in made-up time, whose journal refuses to write.
 */
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { dropFolders } from "../../../rig/lab-kit.ts";
import { TestLab } from "../../../rig/lab-fixture.ts";

let lab: TestLab;
beforeEach(async () => {
  lab = await TestLab.make();
});
afterAll(dropFolders);

/** The disk under the journal is full until the returned function is called. */
function fillJournal(): () => void {
  const full = (): never => {
    throw new Error("database or disk is full");
  };
  const spies = [
    vi.spyOn(lab.journal, "together").mockImplementation(full),
    vi.spyOn(lab.journal, "putOrder").mockImplementation(full),
    vi.spyOn(lab.journal, "putToken").mockImplementation(full),
  ];
  return () => {
    for (const spy of spies) spy.mockRestore();
  };
}
const UNWRITABLE: unknown = expect.objectContaining({ code: "journal_unwritable" });

test.each(["ok", "upload_failed", "server_unreachable"] as const)(
  "a save whose image became durable while the journal was full ends ok, if its node says %s",
  (said) => {
    const job = lab.save("fit01", "new");
    const { visitor, order } = lab.join("fit01");
    const upload = lab.lab.desk.beginCapture(visitor, () => undefined);
    const makeRoom = fillJournal();
    lab.lab.desk.endCapture(upload.order, "c".repeat(64), lab.now);
    expect(() => {
      lab.end(visitor, order, said);
    }).toThrow(UNWRITABLE);
    lab.wait(1000);
    expect(lab.verdicts(job)).toEqual({ fit01: "none" });
    makeRoom();
    lab.end(visitor, order, said);
    expect(lab.verdicts(job)).toEqual({ fit01: "ok" });
    expect(lab.journal.remembered().orders[0]?.captured).toBe("c".repeat(64));
  },
);

test("a save whose image became durable while the journal was full outlives its node", () => {
  const job = lab.save("fit01", "new");
  const { visitor } = lab.join("fit01");
  const upload = lab.lab.desk.beginCapture(visitor, () => undefined);
  const makeRoom = fillJournal();
  lab.lab.desk.endCapture(upload.order, "c".repeat(64), lab.now);
  makeRoom();
  lab.wait(7200);
  expect(lab.verdicts(job)).toEqual({ fit01: "ok" });
  expect(lab.journal.remembered().orders[0]?.captured).toBe("c".repeat(64));
});

test("a node hears that it shall stop although the journal is full", () => {
  const job = lab.load(["fit01"]);
  const { visitor, order } = lab.join("fit01");
  lab.lab.abort(job, lab.now);
  fillJournal();
  expect(lab.report(visitor, order, "scanning")).toBe(true);
});

test("a new job is refused while the journal is full, and a verdict waits until it is kept", () => {
  const job = lab.load(["fit01"]);
  const { visitor, order } = lab.join("fit01");
  const makeRoom = fillJournal();
  expect(() => lab.load(["fit02"])).toThrow(UNWRITABLE);
  expect(() => {
    lab.end(visitor, order, "ok_unchanged");
  }).toThrow(UNWRITABLE);
  lab.wait(7200);
  makeRoom();
  lab.wait(2);
  lab.end(visitor, order, "ok_unchanged");
  expect(lab.verdicts(job)).toEqual({ fit01: "ok_unchanged" });
  lab.load(["fit02"]);
});

test.each(["by itself", "after a verdict"])(
  "an abort that cannot be kept stops all nodes at once, and is kept %s when there is room",
  (how) => {
    const job = lab.load(["fit01", "fit02"]);
    const { visitor, order } = lab.join("fit01");
    const [, waits = "none"] = lab.journal.remembered().orders.map(({ id }) => id);
    expect(lab.lab.wantsEnter(waits)).toBe(true);
    const makeRoom = fillJournal();
    expect(() => {
      lab.lab.abort(job, lab.now);
    }).toThrow(expect.objectContaining({ code: "abort_unkept", exitCode: 6 }));
    expect(lab.report(visitor, order, "scanning")).toBe(true);
    expect(lab.lab.wantsEnter(waits)).toBe(false);
    expect(lab.lab.takeRequests()).toContainEqual({ kind: "wanted" });
    expect(lab.lab.wantsReceiver("fit02")).toBe(false);
    lab.wait(60);
    expect(lab.verdicts(job)).toEqual({ fit01: "none", fit02: "none" });
    makeRoom();
    if (how === "by itself") lab.wait(2);
    lab.end(visitor, order, "aborted");
    lab.wait(2);
    expect(lab.verdicts(job)).toEqual({ fit01: "aborted", fit02: "aborted" });
    lab.restart();
    expect(lab.lab.jobStatus(job).state).toBe("aborted");
  },
);
