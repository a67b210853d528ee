/**
 * Goal: a net thread that is told to stop ends, says so, and gives its port back. Method: the real
 * engine and loop over a port on which nothing comes.
 */
import { expect, test } from "vitest";
import { SESSION_OVERHEAD_BYTES } from "../../../../../shared/session/engine-loop.io.ts";
import type {
  ReceptionMessage,
  ReceptionWorkerData,
} from "../../../../../shared/session/reception/reception-thread.io.ts";
import { runNetThread } from "../../../../../shared/session/reception/net-thread.io.ts";
import { arenaMemory } from "../../../../../shared/core/arena.ts";
import type { DatagramPort } from "../../../../../shared/core/datagram-port.ts";

test("runNetThread() joins the group, ends when stopped, and closes its port", async () => {
  const told: ReceptionMessage[] = [];
  const calls: string[] = [];
  const port: DatagramPort = {
    local: { address: "127.0.0.1", port: 1 },
    batch: { count: 0, add: () => -1 },
    counters: { received: 0, sent: 0, dropped: 0, refused: 0 },
    receive: () => 0,
    send: () => 0,
    join: (group) => void calls.push(`join ${group}`),
    close: () => void calls.push("close"),
  };
  const ringBytes = 16 << 20;
  const sink = { on: () => undefined, postMessage: () => undefined, close: () => undefined };
  const data = {
    order: {
      session: { node: 1, ringBytes, canFetch: false, inOrder: false },
      key: new Uint8Array(16),
      seed: 1,
      group: { address: "239.192.0.1", port: 7000 },
    },
    memory: arenaMemory(ringBytes + SESSION_OVERHEAD_BYTES),
    sink,
    stop: new Int32Array(new SharedArrayBuffer(4)).fill(1),
  } as unknown as ReceptionWorkerData;
  await runNetThread(data, {
    open: () => Promise.resolve({ port }),
    tell: (message) => void told.push(message),
  });
  expect(calls).toEqual(["join 239.192.0.1", "close"]);
  expect(told[0]).toEqual({ kind: "open" });
  const ended = told.find(({ kind }) => kind === "event");
  expect(ended).toMatchObject({ event: { kind: "ended", outcome: "failed", code: "aborted" } });
});
