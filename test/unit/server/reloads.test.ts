/**
 * Goal: a storm of requests costs two reloads, and nobody gets one that began before they asked.
 * Method: reloads that end when the test says so.
 */
import { expect, test } from "vitest";
import { Reloads } from "../../../server/reloads.ts";

/** Reloads that count; each ends with `end()`, in order. */
function counted(): {
  reloads: Reloads<number>;
  end: (fault?: Error) => void;
  begun: () => number;
} {
  const open: PromiseWithResolvers<number>[] = [];
  let begun = 0;
  const reloads = new Reloads(() => {
    begun += 1;
    const one = Promise.withResolvers<number>();
    open.push(one);
    return one.promise;
  });
  const end = (fault?: Error): void => {
    const one = open.shift();
    if (fault === undefined) one?.resolve(begun);
    else one?.reject(fault);
  };
  return { reloads, end, begun: () => begun };
}

test("Reloads.ask() lets one run and one wait, which all others share", async () => {
  const { reloads, end, begun } = counted();
  const first = reloads.ask();
  const others = Array.from({ length: 100 }, () => reloads.ask());
  expect(begun()).toBe(1);
  expect(new Set(others).size).toBe(1);
  end();
  expect(await first).toBe(1);
  await expect.poll(begun).toBe(2);
  const next = reloads.ask();
  expect(next).not.toBe(others[0]);
  end();
  expect(await others[0]).toBe(2);
  await expect.poll(begun).toBe(3);
  end();
  expect(await next).toBe(3);
});

test("Reloads.ask() begins again after a failed reload, and tells only who asked", async () => {
  const { reloads, end, begun } = counted();
  const first = reloads.ask();
  const second = reloads.ask();
  end(new Error("a mistake"));
  await expect(first).rejects.toThrow("a mistake");
  await expect.poll(begun).toBe(2);
  end();
  expect(await second).toBe(2);
  const third = reloads.ask();
  await expect.poll(begun).toBe(3);
  end();
  expect(await third).toBe(3);
});
