/**
 * Goal: a refusal comes before anything is begun and names what stands against the job. Method: a
 * lab in made-up time.
 */
import { afterAll, beforeEach, expect, test } from "vitest";
import { FormatError, SituationError } from "../../../../shared/core/errors.ts";
import { TAIL_BYTES_MAX } from "../../../../shared/image/limits.ts";
import type { OpenedImage } from "../../../../shared/image/store.ts";
import type { ImageSummary } from "../../../../shared/image/summary.ts";
import { findImage } from "../../../../server/jobs/plan.ts";
import { dropFolders, orderIn } from "../../../rig/lab-kit.ts";
import { TestLab } from "../../../rig/lab-fixture.ts";

let lab: TestLab;
beforeEach(async () => {
  lab = await TestLab.make();
});
afterAll(dropFolders);

function codeOf(begin: () => unknown): unknown {
  try {
    begin();
  } catch (thrown) {
    expect(lab.lab.takeRequests()).toEqual([]);
    return thrown;
  }
  throw new Error("the job was begun");
}

test("planLoad() refuses unknown nodes and nodes to be confirmed", () => {
  expect(codeOf(() => lab.load(["fit09"]))).toMatchObject({ code: "unknown_node" });
  expect(codeOf(() => lab.load(["fit03"]))).toMatchObject({ code: "confirm_needed", exitCode: 4 });
});

test("planLoad() takes a confirmed node and counts a node that is named twice once", () => {
  const job = lab.load(["fit03", "fit01", "fit03"], { confirmed: true });
  expect(Object.keys(lab.verdicts(job))).toEqual(["fit03", "fit01"]);
});

test("the command's leave wins over huck.yaml's, which wins over reboot", () => {
  lab.restart((config) => config.replace("name: fit01,", "name: fit01, leave: poweroff,"));
  const leaveOf = (node: string, more: object): string | undefined => {
    const job = lab.load([node], more);
    const leave = orderIn(lab.join(node).reply)?.leave;
    lab.lab.abort(job, lab.now);
    lab.wait(200);
    return leave;
  };
  expect(leaveOf("fit01", { leave: "stay" })).toBe("stay");
  expect(leaveOf("fit01", { leave: "reboot" })).toBe("reboot");
  expect(leaveOf("fit01", {})).toBe("poweroff");
  expect(leaveOf("fit02", {})).toBe("reboot");
});

test("planLoad() refuses busy nodes and names their job", () => {
  const job = lab.load(["fit01"]);
  lab.lab.takeRequests();
  const refusal = codeOf(() => lab.load(["fit02", "fit01"]));
  expect(refusal).toMatchObject({
    code: "node_busy",
    message: expect.stringContaining(job) as string,
  });
});

test("planSave() refuses names that are taken, by an image or by a save that runs", () => {
  expect(codeOf(() => lab.save("fit01", "ubuntu", true))).toMatchObject({ code: "image_exists" });
  lab.save("fit01", "mine");
  lab.lab.takeRequests();
  expect(codeOf(() => lab.save("fit02", "mine"))).toMatchObject({ code: "image_exists" });
});

/** Opens image "ubuntu" with a tail of so many bytes, and counts how often it is open. */
function opening(tailBytes: number): {
  images: Parameters<typeof findImage>[0];
  open: () => number;
} {
  let open = 0;
  const image = {
    summary: { id: "a".repeat(64) },
    index: { footer: { fileBytes: 9 * 4096 + tailBytes, table: { offset: 9 * 4096 } } },
    file: "f",
    close: () => (open -= 1),
  };
  const images = {
    open: ({ name }: { name: string }): Promise<OpenedImage> => {
      expect(name).toBe("ubuntu");
      open += 1;
      return Promise.resolve(image as unknown as OpenedImage);
    },
    list: () => Promise.resolve({ images: [], torn: [] }),
  };
  return { images, open: () => open };
}

test("findImage() gives id and file of the named image, and keeps nothing open", async () => {
  const { images, open } = opening(TAIL_BYTES_MAX);
  expect(await findImage(images, "ubuntu")).toEqual({ id: "a".repeat(64), file: "f" });
  expect(open()).toBe(0);
});

test("findImage() refuses an image whose tail no node takes", async () => {
  const { images, open } = opening(TAIL_BYTES_MAX + 1);
  await expect(findImage(images, "ubuntu")).rejects.toMatchObject({
    code: "tail_too_long",
    exitCode: 4,
    cure: expect.stringContaining("huck image restore") as string,
  });
  expect(open()).toBe(0);
});

test.each<[Error, string]>([
  [new FormatError("truncated", "the footer is missing"), "image_damaged"],
  [new SituationError("no_such_image", "there is none", { cure: "Look." }), "no_such_image"],
])("findImage() says why an image cannot be loaded: %s is %s", async (thrown, code) => {
  const images = {
    open: () => Promise.reject(thrown),
    list: () => Promise.resolve({ images: [{ name: "ubuntu2" } as ImageSummary], torn: [] }),
  };
  const finding = findImage(images, "ubuntu");
  const cure =
    code === "no_such_image" ? /^Did you mean "ubuntu2"\? Look\.$/ : /^Save the image again/;
  await expect(finding).rejects.toMatchObject({
    code,
    exitCode: 4,
    cure: expect.stringMatching(cure) as string,
    message: expect.stringContaining(thrown.message) as string,
  });
});
