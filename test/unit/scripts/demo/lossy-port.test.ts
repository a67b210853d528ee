/** Goal: the rehearsal's network loses what it says and no more. Method: ten thousand datagrams. */
import { expect, test } from "vitest";
import { LossyPort } from "../../../../scripts/demo/lossy-port.ts";
import type { DatagramPort } from "../../../../shared/core/datagram-port.ts";
import { seededRandom } from "../../../../shared/core/random.ts";

const COUNT = 10_000;

test("LossyPort drops its share of what arrives and passes everything else through", () => {
  let sent = 0;
  const port = {
    local: { address: "127.0.0.1", port: 1 },
    receive: (_waitMs: number, visit: (view: object) => void) => {
      for (let index = 0; index < COUNT; index += 1) visit({});
      return COUNT;
    },
    send: () => (sent += 1),
  } as unknown as DatagramPort;
  const lossy = new LossyPort(port, 0.1, seededRandom(1));
  let seen = 0;
  expect(lossy.receive(0, () => (seen += 1))).toBe(COUNT);
  expect(Math.abs(seen - 0.9 * COUNT)).toBeLessThan(0.02 * COUNT);
  expect([lossy.send(), sent, lossy.local]).toEqual([1, 1, port.local]);
});
