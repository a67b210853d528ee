/** Goal: a failed save leaves nothing at the server. Method: the story over a scripted stage. */
import { expect, test } from "vitest";
import type { Stage } from "../../../receiver/stage.ts";
import { save } from "../../../receiver/save.ts";
import type { SaveOrder } from "../../../shared/control/order.ts";

const order = { disk: [{}], name: "x" } as unknown as SaveOrder;

function stage(calls: string[], commitFails: boolean): Stage {
  const disk = { path: "/dev/sda", bus: "ata", removable: false, inUse: [] };
  return {
    disks: [disk],
    reporter: { enter: (phase: string) => calls.push(phase), progress: () => undefined },
    disk: {
      open: () => Promise.resolve(),
      capture: (sink: (bytes: Uint8Array) => Promise<void>) => sink(new Uint8Array(1)),
    },
    link: {
      capture: () => ({
        append: () => Promise.resolve(void calls.push("append")),
        commit: () =>
          commitFails
            ? Promise.reject(new Error("the name is taken"))
            : Promise.resolve(void calls.push("commit")),
        abort: () => calls.push("abort"),
      }),
    },
  } as unknown as Stage;
}

test("save() commits after the last byte", async () => {
  const calls: string[] = [];
  expect(await save(order, stage(calls, false))).toBe("ok");
  expect(calls).toEqual(["planning", "capturing", "append", "flushing", "commit"]);
});

test("save() takes the upload back when the server does not take it", async () => {
  const calls: string[] = [];
  await expect(save(order, stage(calls, true))).rejects.toThrow("the name is taken");
  expect(calls.at(-1)).toBe("abort");
});
