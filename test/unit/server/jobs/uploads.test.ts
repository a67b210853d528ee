/** Goal: one upload for an order. Method: begins and ends by hand. */
import { expect, test } from "vitest";
import { Uploads } from "../../../../server/jobs/uploads.ts";

test("Uploads.begin() ends the older upload of its order, unless it is complete", () => {
  const uploads = new Uploads();
  const broken: string[] = [];
  const begin = (order: string, name: string) => uploads.begin(order, () => broken.push(name));
  const first = begin("o1", "first");
  const other = begin("o2", "other");
  const second = begin("o1", "second");
  expect(broken).toEqual(["first"]);
  expect([first, other, second].map((upload) => upload?.isLatest)).toEqual([false, true, true]);
  first?.end();
  second?.complete();
  expect(begin("o1", "third")).toBeUndefined();
  second?.end();
  second?.end();
  expect(begin("o1", "third")?.isLatest).toBe(true);
  expect(broken).toEqual(["first"]);
});
