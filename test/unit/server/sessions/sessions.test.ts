/**
 * Goal: one session per image file, groups that do not collide, and no session without nodes.
 * Method: senders of the test.
 */
import { expect, test } from "vitest";
import { Sessions } from "../../../../server/sessions/sessions.ts";
import { MemberNumbers, admissionBy } from "../../../../shared/session/sender/member-numbers.ts";
import type { MemberRequest, StartSender } from "../../../../server/sessions/sessions.ts";
import { testSender } from "../../../rig/lab-fixture.ts";
import type { TestSender } from "../../../rig/lab-fixture.ts";

function make(
  last = 3,
  start?: StartSender,
): { all: Sessions; senders: TestSender[]; faults: string[] } {
  const senders: TestSender[] = [];
  const faults: string[] = [];
  let next = 0;
  const all = new Sessions({
    start:
      start ??
      ((request) => {
        const sender = testSender(request);
        senders.push(sender);
        return Promise.resolve(sender);
      }),
    groups: { first: 0xef_c0_4d_01, last: 0xef_c0_4d_00 + last },
    port: 4077,
    symbolBytes: 1408,
    rateBitsPerSecond: 9e8,
    id128: () =>
      String((next += 1))
        .padStart(16, "0")
        .repeat(2),
    failed: (image, reason) => faults.push(`${image.name}: ${reason}`),
  });
  return { all, senders, faults };
}

function seat(order: string, image = "a", file = `the file of ${image}`): MemberRequest {
  return {
    order,
    boot: "first boot",
    image: { name: image, id: "a".repeat(64), file },
    rateBitsPerSecond: undefined,
    members: 2,
    gatherMs: 1000,
  };
}

test("Sessions.expect() tells each sender a new number of members, once", async () => {
  const { all, senders } = make();
  await all.join(seat("o1"));
  await all.join(seat("o2", "b"));
  const counts: Record<string, number> = { a: 1, b: 2 };
  const count = ({ name }: { readonly name: string }): number => counts[name] ?? 0;
  all.expect(count);
  all.expect(count);
  counts["b"] = 5;
  all.expect(count);
  await Promise.resolve();
  expect(senders.map(({ expected }) => expected)).toEqual([[1], [5]]);
});

test("Sessions.join() gives one session per file and a member number per boot", async () => {
  const { all, senders } = make();
  const first = await all.join(seat("o1"));
  const second = await all.join(seat("o2"));
  const again = await all.join({ ...seat("o1"), boot: "second boot" });
  const repeated = await all.join({ ...seat("o1"), boot: "second boot" });
  expect(new Set([first.member, second.member, again.member]).size).toBe(3);
  expect(repeated.member).toBe(again.member);
  const admission = admissionBy(senders[0]?.request.numbers ?? new MemberNumbers().table);
  const admitted = [first, second, again].map(({ member }) =>
    admission.by === "server" ? admission.admits(member) : undefined,
  );
  expect(admitted).toEqual([false, true, true]);
  expect(new Set([first.session, second.session, again.session]).size).toBe(1);
  const other = await all.join(seat("o3", "b"));
  expect(other.session).not.toBe(first.session);
  expect(other.key).not.toBe(first.key);
  expect(other.imageId).toBe(first.imageId);
  expect(senders.map(({ request }) => request.group)).toEqual(["239.192.77.1", "239.192.77.2"]);
  expect(senders[0]?.request.rateBitsPerSecond).toBe(9e8);
});

test("Sessions.leave() stops a session with its last order; the next one is new", async () => {
  const { all, senders } = make();
  const first = await all.join(seat("o1"));
  await all.join(seat("o2"));
  const admission = admissionBy(senders[0]?.request.numbers ?? new MemberNumbers().table);
  const isIn = (): boolean | undefined =>
    admission.by === "server" ? admission.admits(first.member) : undefined;
  expect(isIn()).toBe(true);
  all.leave("o1");
  expect(isIn()).toBe(false);
  all.leave("o1");
  await Promise.resolve();
  expect(senders[0]?.stopped).toEqual([]);
  all.leave("o2");
  await Promise.resolve();
  expect(senders[0]?.stopped).toEqual(["told"]);
  expect((await all.join(seat("o3"))).session).not.toBe(first.session);
});

test("Sessions.join() refuses when every group is in use, and takes a freed one", async () => {
  const { all, senders } = make(2);
  await all.join(seat("o1", "a"));
  await all.join(seat("o2", "b"));
  await expect(all.join(seat("o3", "c"))).rejects.toMatchObject({ code: "no_group_free" });
  all.leave("o1");
  await all.join(seat("o3", "c"));
  expect(senders[2]?.request.group).toBe("239.192.77.1");
});

test(
  "a sender that does not start is told to every node that waits, and is " + "tried again",
  async () => {
    let tries = 0;
    const { all, faults } = make(3, () => {
      tries += 1;
      return Promise.reject(new Error("no port"));
    });
    const both = await Promise.allSettled([all.join(seat("o1")), all.join(seat("o2"))]);
    expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await new Promise(setImmediate);
    expect(faults).toEqual(["a: no port"]);
    await expect(all.join(seat("o1"))).rejects.toThrow("no port");
    expect(tries).toBe(2);
  },
);

test("Sessions.join() starts another session for another file of the same name", async () => {
  const { all, senders } = make();
  const old = await all.join(seat("o1", "a", "1"));
  const fresh = await all.join(seat("o2", "a", "2"));
  expect(fresh.session).not.toBe(old.session);
  expect(senders.map(({ request }) => request.image.file)).toEqual(["1", "2"]);
  expect((await all.join(seat("o3", "a", "1"))).session).toBe(old.session);
});

test("Sessions.join() gives the next session while the last one ends", async () => {
  const { all, senders } = make();
  const first = await all.join(seat("o1"));
  senders[0]?.beginEnd();
  await Promise.resolve();
  expect((await all.join(seat("o2"))).session).not.toBe(first.session);
});

test("Sessions.close() leaves every session without a word and waits for its end", async () => {
  const { all, senders } = make();
  await all.join(seat("o1", "a"));
  await all.join(seat("o2", "b"));
  await all.close();
  expect(senders.map(({ stopped }) => stopped)).toEqual([["silently"], ["silently"]]);
});
