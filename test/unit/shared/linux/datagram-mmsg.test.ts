/**
 * Goal: a signal during the wait for datagrams is not taken for an empty queue, and a wait that
 * fails otherwise is told. Method: the real port on loopback over a ppoll that is made to fail.
 * test/interop/datagram-port.test.ts tests the rest of the port.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Arena, arenaMemory } from "../../../../shared/core/arena.ts";
import { MmsgPort } from "../../../../shared/linux/datagram-mmsg.io.ts";
import { libcProblem } from "../../../../shared/linux/libc.io.ts";
import type * as Libc from "../../../../shared/linux/libc.io.ts";

/** What the next calls of ppoll fail with; 0 stands for a call that is made. */
const planned = vi.hoisted(() => ({ errnos: [] as number[], last: 0 }));

vi.mock("../../../../shared/linux/libc.io.ts", async (load) => {
  const real = await load<typeof Libc>();
  const libcFunction: typeof Libc.libcFunction = (name, result, parameters) => {
    const called = real.libcFunction(name, result, parameters);
    if (name !== "ppoll") return called;
    return (...values) => {
      planned.last = planned.errnos.shift() ?? 0;
      return planned.last === 0 ? called(...values) : -1;
    };
  };
  const lastErrno = (): number => (planned.last === 0 ? real.lastErrno() : planned.last);
  return { ...real, libcFunction, lastErrno };
});

const EINTR = 4;
const EINVAL = 22;
const BYTES = 1440;
/** More than a receive buffer of Linux holds. */
const TURNS = 2000;
const nothing = (): void => undefined;

describe.skipIf(libcProblem() !== undefined)("MmsgPort whose wait fails", () => {
  let left: MmsgPort;
  let right: MmsgPort;
  beforeEach(() => {
    planned.errnos = [];
    planned.last = 0;
    const open = (): MmsgPort => {
      const arena = new Arena(arenaMemory(8 << 20));
      return new MmsgPort({ arena, bind: { address: "127.0.0.1", port: 0 } });
    };
    left = open();
    right = open();
  });
  afterEach(() => {
    left.close();
    right.close();
  });

  test("receive() passes on what is there when a signal interrupts the wait", () => {
    expect(left.batch.add(BYTES, right.local)).toBeGreaterThanOrEqual(0);
    left.send();
    planned.errnos = [EINTR];
    expect(right.receive(1000, nothing)).toBe(1);
  });

  test("receive() answers 0 when a signal interrupts the wait and nothing has come", () => {
    planned.errnos = [EINTR];
    expect(right.receive(60_000, nothing)).toBe(0);
  });

  test("receive() counts drops at a full queue that signals interrupted", () => {
    for (let turn = 0; turn < TURNS; turn += 1) {
      while (left.batch.add(BYTES, right.local) >= 0);
      left.send();
    }
    planned.errnos = Array.from({ length: TURNS }, (_, index) => (index % 2 === 0 ? EINTR : 0));
    for (let turn = 0; turn < TURNS; turn += 1) {
      const isEmpty = right.receive(1, nothing) === 0;
      left.batch.add(BYTES, right.local); // the kernel's count comes with the next datagram
      left.send();
      if (isEmpty && right.counters.dropped > 0) break;
    }
    expect(right.counters.dropped).toBeGreaterThan(0);
  });

  test("receive() throws the errno of a wait that cannot be made", () => {
    planned.errnos = [EINVAL];
    expect(() => right.receive(1, nothing)).toThrow(expect.objectContaining({ code: "EINVAL" }));
  });
});
