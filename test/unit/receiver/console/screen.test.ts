/** Goal: one screen tells what happened, what to do, whether the disk boots. Method: endings. */
import { expect, test } from "vitest";
import { phaseLine, verdictLines } from "../../../../receiver/console/screen.ts";
import type { Verdict } from "../../../../shared/control/verdict.ts";

const GOOD: Verdict = {
  code: "ok",
  phase: "done",
  reason: "every chunk is on the disk",
  cure: "",
  diskUntouched: false,
  incomplete: false,
  bytesWritten: 1,
  at: "2026-01-01T00:00:00.000Z",
};

test("phaseLine() names node and phase", () => {
  const standing = { phase: "arming", detail: "x", doneBytes: 0, totalBytes: 0, bytesPerSecond: 0 };
  expect(phaseLine("pc-1", { ...standing, phase: "arming" })).toBe("huck: pc-1 arming: x");
});

test("verdictLines() of a good ending is one line", () => {
  expect(verdictLines("pc-1", GOOD)).toEqual(["huck: pc-1 verdict ok: every chunk is on the disk"]);
});

test("verdictLines() says what to do, and what became of the disk", () => {
  const bad = { ...GOOD, code: "disk_in_use", phase: "planning", cure: "Unmount it." } as const;
  const untouched = verdictLines("pc-1", { ...bad, diskUntouched: true });
  expect(untouched.join("\n")).toMatch(/disk_in_use while planning[^]*Unmount[^]*not touched/);
  const incomplete = verdictLines("pc-1", { ...bad, incomplete: true });
  expect(incomplete.at(-1)).toMatch(/INCOMPLETE.*not boot/);
});
