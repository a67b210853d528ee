/**
 * Goal: an end is told nothing that it did not say it knows. Method: made-up fields of a later
 * version.
 */
import { expect, test } from "vitest";
import { Features, featuresNeeded, toldTo } from "../../../../shared/control/feature.ts";

const later = { partition: "one-partition", keep: "keep-files" };
const table = { fields: later, values: { leave: { kexec: "leave-kexec" } } };
const plain = { verify: "sample", partition: 0, keep: false };

test("featuresNeeded() names the features of fields that are not at their default", () => {
  expect(featuresNeeded(plain, plain, table)).toEqual([]);
  expect(featuresNeeded({ ...plain, verify: "full" }, plain, table)).toEqual([]);
  expect(featuresNeeded({ ...plain, partition: 2 }, plain, table)).toEqual(["one-partition"]);
});

test("featuresNeeded() names the features of values, also of a field that has no default", () => {
  expect(featuresNeeded({ ...plain, leave: "reboot" }, plain, table)).toEqual([]);
  expect(featuresNeeded({ ...plain, leave: "kexec" }, plain, table)).toEqual(["leave-kexec"]);
});

test("toldTo() leaves out the fields of features that the other end did not name", () => {
  expect(toldTo(plain, [], later)).toEqual({ verify: "sample" });
  expect(toldTo(plain, ["keep-files"], later)).toEqual({ verify: "sample", keep: false });
});

test("Features takes names that nobody knows, and none when it is absent", () => {
  expect(Features.parse(["from-the-future"])).toEqual(["from-the-future"]);
  expect(Features.parse(undefined)).toEqual([]);
  expect(Features.safeParse(["Two Words"]).success).toBe(false);
  expect(Features.safeParse(Array.from({ length: 65 }, () => "x")).success).toBe(false);
});
