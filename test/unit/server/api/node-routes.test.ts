/**
 * Goal: the node API keeps CONTROL.md section 4, over real sockets.
 * Method: a real server on loopback with a real store, journal and sender; TestNode says what a
 * receiver says.
 */
import { readdirSync, readlinkSync } from "node:fs";
import path from "node:path";
import { expect, test, vi } from "vitest";
import type { Event } from "../../../../shared/control/event.ts";
import { NodeRoute } from "../../../../shared/control/node-api.ts";
import { ImageList, JobCreated } from "../../../../shared/control/operator-api.ts";
import { openOrder } from "../../../../shared/control/order.ts";
import { RecordType } from "../../../../shared/image/limits.ts";
import { encodeRecordHeader } from "../../../../shared/image/record.ts";
import { writeLongImage } from "../../../rig/image-store.ts";
import { DISK, TestNode, eventsOf, orderIn, operate } from "../../../rig/lab-kit.ts";
import { ServerPerTest } from "../../../rig/server-per-test.ts";
import { imageBytes } from "../../../rig/small-image.ts";

const lab = new ServerPerTest();

async function beginSave(name: string): Promise<JobCreated> {
  return JobCreated.parse(
    (await operate(lab.server, "POST", "/v1/saves", { node: "fit01", name })).body,
  );
}

/** Paths of all files that this process, and so the server in it, has open. */
function openFiles(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return []; // the descriptor that read the folder
    }
  });
}

function kinds(events: Event[]): string[] {
  return events
    .filter(({ kind }) => kind !== "note")
    .map((event) => (event.kind === "phase" ? event.phase : event.kind));
}

test("node API leads a node from join to verdict and the job to its end", async () => {
  const job = await lab.beginLoad(["fit01"]);
  const { node, order } = await lab.joined("fit01");
  const terms = await node.session(order);
  expect(terms).toMatchObject({
    imageId: lab.imageId,
    chunkCount: 3,
    sender: { address: "127.0.0.1" },
  });
  expect(await node.arm(order)).toEqual({ allowed: true });
  expect(await node.report(order, "receiving", 50)).toEqual({ abort: false });
  await node.end(order, "ok");
  const events = await eventsOf(lab.server, job.job, job.after);
  expect(kinds(events)).toEqual([
    ...["begin", "booting", "joining", "arming", "receiving", "verdict", "end"],
  ]);
  expect(events.at(-1)).toMatchObject({ nodesOk: 1, nodesNotOk: 0, aborted: false });
  expect((await TestNode.boot(lab.server, "fit01").then((again) => again.join())).order).toBeNull();
});

test(
  "join gives an order that the receiver's own check accepts, and none " +
    "for another node or nonce",
  async () => {
    await lab.beginLoad(["fit01"]);
    const node = await TestNode.boot(lab.server, "fit01");
    const { order } = await node.join();
    const granted = await operate(lab.server, "POST", "/v1/tokens", { node: "fit01" });
    const { serverKey } = granted.body as { serverKey: string };
    const expected = {
      publicKey: Buffer.from(serverKey, "hex"),
      macs: [node.mac],
      nonce: node.nonce,
      features: [],
      now: new Date(),
    };
    if (order === null) throw new Error("no order came");
    expect(openOrder(order, expected)).toMatchObject({ ok: true, order: { node: "fit01" } });
    const other = { ...expected, nonce: "0".repeat(32) };
    expect(openOrder(order, other)).toMatchObject({ code: "order_replayed" });
    const forged = { ...order, signature: "0".repeat(128) };
    expect(openOrder(forged, expected)).toMatchObject({ code: "order_forged" });
  },
);

test(
  "arm allows two boots and then refuses with order_spent; a repeated " + "question counts once",
  async () => {
    await lab.beginLoad(["fit01"]);
    const first = await lab.joined("fit01");
    expect((await first.node.arm(first.order)).allowed).toBe(true);
    expect((await first.node.arm(first.order)).allowed).toBe(true);
    const second = await lab.joined("fit01");
    expect(second.order).toBe(first.order);
    expect((await second.node.arm(second.order)).allowed).toBe(true);
    const third = await lab.joined("fit01");
    expect(await third.node.arm(third.order)).toEqual({
      allowed: false,
      code: "order_spent",
      reason: "the order has armed 2 times",
    });
  },
);

test("arm refuses a disk that the order does not name", async () => {
  await lab.beginLoad(["fit01"], { disk: [{ serial: "other" }] });
  const { node, order } = await lab.joined("fit01");
  expect(await node.arm(order)).toMatchObject({ allowed: false, code: "no_disk_matches" });
});

test(
  "join answers a repeated request of the same boot alike and refuses a " + "replayed token",
  async () => {
    await lab.beginLoad(["fit01"]);
    const node = await TestNode.boot(lab.server, "fit01");
    const first = await node.join();
    expect(orderIn(await node.join())?.id).toBe(orderIn(first)?.id);
    node.nonce = "f".repeat(32);
    const replayed = await node.say(NodeRoute.join, node.joinBody());
    expect(replayed).toMatchObject({ status: 401, body: { code: "bad_token" } });
  },
);

test(
  "join refuses MACs outside the inventory, tokens of other nodes and " + "made-up tokens",
  async () => {
    const node = await TestNode.boot(lab.server, "fit01");
    const stranger = { ...node.joinBody(), macs: ["52:54:00:99:99:99"] };
    expect(await node.say(NodeRoute.join, stranger)).toMatchObject({
      status: 404,
      body: { code: "unknown_node" },
    });
    const other = { ...node.joinBody(), macs: ["52:54:00:00:00:02"] };
    expect(await node.say(NodeRoute.join, other)).toMatchObject({ status: 401 });
    const madeUp = { ...node.joinBody(), token: "0".repeat(32) };
    expect(await node.say(NodeRoute.join, madeUp)).toMatchObject({ status: 401 });
  },
);

test(
  "node routes refuse requests without a token, before the join, and for " + "another node's order",
  async () => {
    await lab.beginLoad(["fit01", "fit02"]);
    const early = await TestNode.boot(lab.server, "fit01");
    const body = { order: "0".repeat(32) };
    expect((await early.say(NodeRoute.session, body)).status).toBe(401);
    expect((await early.say(NodeRoute.session, body, "")).status).toBe(401);
    const one = await lab.joined("fit01");
    const two = await lab.joined("fit02");
    const stolen = await two.node.say(NodeRoute.arm, { order: one.order, disk: DISK });
    expect(stolen).toMatchObject({ status: 409, body: { code: "order_over" } });
  },
);

test("a verdict sent twice makes one event; a rejoin after it has nothing to do", async () => {
  const job = await lab.beginLoad(["fit01"]);
  const { node, order } = await lab.joined("fit01");
  await node.end(order, "ok_unchanged");
  await node.end(order, "disk_too_small");
  const events = await eventsOf(lab.server, job.job, job.after);
  expect(events.filter(({ kind }) => kind === "verdict")).toHaveLength(1);
  expect(events.at(-1)).toMatchObject({ nodesOk: 1 });
});

test(
  "a node whose verdict was lost meets its order again and ends " +
    "ok_unchanged without arming again",
  async () => {
    const job = await lab.beginLoad(["fit01"]);
    const first = await lab.joined("fit01");
    await first.node.arm(first.order);
    const again = await lab.joined("fit01");
    expect(again.order).toBe(first.order);
    expect((await first.node.say(NodeRoute.arm, { order: first.order, disk: DISK })).status).toBe(
      401,
    );
    await again.node.end(again.order, "ok_unchanged");
    expect((await eventsOf(lab.server, job.job)).at(-1)).toMatchObject({ kind: "end", nodesOk: 1 });
  },
);

test("a node that claims ok without having armed is not believed", async () => {
  const job = await lab.beginLoad(["fit01"]);
  const { node, order } = await lab.joined("fit01");
  await node.end(order, "ok");
  const verdict = (await eventsOf(lab.server, job.job)).find(({ kind }) => kind === "verdict");
  expect(verdict).toMatchObject({ verdict: { code: "receiver_fault" } });
});

test(
  "manifest and chunk give the bytes of the image file, and chunk " + "refuses an index beyond it",
  async () => {
    await lab.beginLoad(["fit01"]);
    const { node } = await lab.joined("fit01");
    const file = await import("node:fs").then((fs) =>
      fs.readFileSync(path.join(lab.folder, "images/ubuntu.huck")),
    );
    const manifest = await node.get(NodeRoute.manifest);
    expect(manifest.status).toBe(200);
    expect(file.subarray(-manifest.bytes.byteLength).equals(manifest.bytes)).toBe(true);
    const chunk = await node.get(`${NodeRoute.chunk}/2`);
    expect(file.indexOf(chunk.bytes)).toBeGreaterThan(0);
    expect((await node.get(`${NodeRoute.chunk}/3`)).status).toBe(404);
    expect((await node.get(`${NodeRoute.chunk}/../manifest`)).status).not.toBe(500);
    for (const index of [
      "x",
      "0x1",
      "1e0",
      "+1",
      "%201",
      "1.0",
      "01",
      "-0",
      "1%0a",
      "9".repeat(20),
    ]) {
      expect([index, (await node.get(`${NodeRoute.chunk}/${index}`)).status]).toEqual([index, 400]);
    }
  },
);

test("a manifest that is not taken to its end gives its file back", async () => {
  // 15 MB of manifest: more than the two sockets hold.
  await writeLongImage(path.join(lab.folder, "images/long.huck"), 600, { extents: 2048 });
  await lab.beginLoad(["fit01"], { image: "long" });
  const { node } = await lab.joined("fit01");
  const headers = { authorization: `Bearer ${node.token}` };
  const url = new URL(NodeRoute.manifest, lab.server.nodeUrl);
  const leaving = new AbortController();
  const answer = await fetch(url, { headers, signal: leaving.signal });
  const first = (await answer.body?.getReader().read()) as { value?: Uint8Array } | undefined;
  expect(first?.value?.byteLength).toBeGreaterThan(0);
  leaving.abort();
  const whole = await node.get(NodeRoute.manifest);
  expect(whole.bytes.byteLength).toBe(Number(answer.headers.get("content-length")));
  await lab.close();
  // A proof that the server's end broke off gives its file back when its thread is gone.
  await vi.waitFor(
    () => {
      expect(openFiles().filter((file) => file.endsWith(".huck"))).toEqual([]);
    },
    { timeout: 15_000, interval: 50 },
  );
});

test(
  "capture makes a complete image visible, and the node's ok is believed " + "only then",
  async () => {
    const job = await beginSave("saved");
    const { node, order } = await lab.joined("fit01");
    expect(await node.upload(await imageBytes())).toMatchObject({
      status: 201,
      body: { name: "saved" },
    });
    await node.end(order, "ok");
    expect((await eventsOf(lab.server, job.job)).at(-1)).toMatchObject({ nodesOk: 1 });
    const { images } = ImageList.parse((await operate(lab.server, "GET", "/v1/images")).body);
    expect(images.map(({ name }) => name)).toEqual(["saved", "ubuntu"]);
  },
);

test(
  "capture torn half-way leaves nothing, may be repeated, and ok without " +
    "an image is upload_failed",
  async () => {
    const job = await beginSave("saved");
    const { node, order } = await lab.joined("fit01");
    const bytes = await imageBytes();
    expect(await node.upload(bytes, bytes.byteLength >> 1)).toBe("torn");
    expect(await node.upload(bytes.subarray(0, -1))).toMatchObject({ status: 422 });
    const left = readdirSync(path.join(lab.folder, "images"));
    expect(left.filter((name) => !name.startsWith(".summaries"))).toEqual(["ubuntu.huck"]);
    await node.end(order, "ok");
    const verdict = (await eventsOf(lab.server, job.job)).find(({ kind }) => kind === "verdict");
    expect(verdict).toMatchObject({
      verdict: {
        code: "upload_failed",
        reason: expect.stringMatching(/^the server refused the image: Cannot /) as string,
      },
    });
  },
);

function drafts(): string[] {
  return readdirSync(path.join(lab.folder, "images")).filter((name) => name.startsWith(".draft-"));
}

test("capture of what is no image is refused at its first block, not at its end", async () => {
  await beginSave("saved");
  const { node } = await lab.joined("fit01");
  expect(await node.beginUpload(new Uint8Array(4096))).toBe(422);
  const image = await imageBytes();
  const noRecord = Buffer.concat([image.subarray(0, 4096), Buffer.alloc(56, 1)]);
  expect(await node.beginUpload(noRecord)).toBe(422);
  await vi.waitFor(() => {
    expect(drafts()).toEqual([]);
  });
});

test("capture keeps one draft for an order, however many uploads its node begins", async () => {
  await beginSave("saved");
  const { node } = await lab.joined("fit01");
  const image = await imageBytes();
  const half = image.subarray(0, image.byteLength >> 1);
  const open = Array.from({ length: 8 }, () => node.beginUpload(half));
  await vi.waitFor(() => {
    expect(drafts()).toHaveLength(1);
  });
  expect(await node.upload(image)).toMatchObject({ status: 201 });
  expect(await Promise.all(open)).toEqual(Array.from({ length: 8 }, () => "torn"));
  expect(drafts()).toEqual([]);
});

test("capture is refused when the order is a load", async () => {
  await lab.beginLoad(["fit01"]);
  const { node } = await lab.joined("fit01");
  expect(await node.upload(Buffer.alloc(10))).toMatchObject({
    body: { code: "no_capture_wanted" },
  });
});

test("capture stops as soon as more is said to come than the disk has", async () => {
  await beginSave("saved");
  const { node } = await lab.joined("fit01");
  const digest = new Uint8Array(32);
  const chunks = Array.from({ length: (DISK.sizeBytes >> 20) + 1 }, (_, index) => {
    const record = new Uint8Array(56 + 8);
    const sizes = { storedBytes: 8, rawBytes: 1 << 20 };
    encodeRecordHeader({ type: RecordType.chunk, codec: 0, index, ...sizes, digest }, record);
    return record;
  });
  const header = (await imageBytes()).subarray(0, 4096);
  expect(await node.beginUpload(Buffer.concat([header, ...chunks]))).toBe(422);
});

test(
  "a server that restarts in mid-job knows job, order, arms and token, " +
    "and gives the rest of the events",
  async () => {
    const job = await lab.beginLoad(["fit01", "fit02"]);
    const { node, order } = await lab.joined("fit01");
    const before = await node.session(order);
    await node.arm(order);
    await lab.close();
    await lab.start();
    expect(await node.report(order, "receiving", 10)).toEqual({ abort: false });
    const after = await node.session(order);
    expect(after.session).not.toBe(before.session);
    await node.end(order, "ok");
    const other = await lab.joined("fit02");
    await other.node.end(other.order, "ok_unchanged");
    const events = await eventsOf(lab.server, job.job, job.after);
    const seqs = events.map(({ seq }) => seq);
    expect(seqs).toEqual([...new Set(seqs)].sort((left, right) => left - right));
    expect(events.at(-1)).toMatchObject({ kind: "end", nodesOk: 2 });
  },
);

test("a second arm after a restart still spends the order", async () => {
  await lab.beginLoad(["fit01"]);
  const first = await lab.joined("fit01");
  await first.node.arm(first.order);
  await lab.close();
  await lab.start();
  const second = await lab.joined("fit01");
  expect((await second.node.arm(second.order)).allowed).toBe(true);
  const third = await lab.joined("fit01");
  expect((await third.node.arm(third.order)).allowed).toBe(false);
});

test("the same image asked for by two jobs is one session with different members", async () => {
  await lab.beginLoad(["fit01"], { gatherSeconds: 60 });
  const one = await lab.joined("fit01");
  await lab.beginLoad(["fit02"]);
  const two = await lab.joined("fit02");
  const [left, right] = [await one.node.session(one.order), await two.node.session(two.order)];
  expect(right).toEqual({ ...left, member: right.member });
  expect(right.member).not.toBe(left.member);
});

test("join is refused above its rate and allowed again later", async () => {
  const node = await TestNode.boot(lab.server, "fit01");
  const answers = await Promise.all(
    Array.from({ length: 120 }, () => node.say(NodeRoute.join, {})),
  );
  expect(answers.some(({ status }) => status === 429)).toBe(true);
  expect(answers.some(({ status }) => status === 400)).toBe(true);
});
