/**
 * Goal: whoever floods, invents members or speaks in others' names slows the honest receivers by a
 * tenth at most, and ends nobody's session.
 *
 * Method: the same session with and without an attacker that knows the key, in virtual time.
 */
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../shared/core/random.ts";
import { LIARS } from "./attacker.ts";
import type { Attack } from "./attacker.ts";
import { copies, lastComplete, plan, receiver } from "./by-hand.ts";
import { PERFECT } from "./network.ts";
import type { Plan } from "./plan.ts";
import { runSession } from "./session.ts";

const ATTACKS: readonly Attack[] = [
  "invented members",
  "NACK flood",
  "REPORT flood",
  "lying member",
  "lying members with full rings",
  "spoofed END",
  "spoofed verdicts",
];
/** Members that the attacker really is. */
const LIARS_OF: Partial<Record<Attack, number>> = {
  "lying member": 1,
  "lying members with full rings": LIARS,
};
const SLOWER_MAX = 1.1;
const sessions = Number(process.env["ATTACKED"] ?? 1);

/** Four receivers with a little loss, at a rate that a cap sets. */
function sessionOf(seed: number): Plan {
  const random = seededRandom(seed);
  const down = { ...PERFECT, delayMs: 0.1 + random.fraction(), loss: random.fraction() * 0.01 };
  const receivers = copies(4, receiver({ down, up: { ...PERFECT, delayMs: 0.2 } }));
  const shape = { chunkCount: 800, recordBytesMax: 16_384, symbolBytes: 256 };
  return plan(receivers, { seed, ...shape, rateCap: 50e6, cacheLanes: 64 });
}

describe.each(ATTACKS)("under %s", (attack) => {
  test("every receiver is complete, in a tenth more time at most", () => {
    for (let seed = 1; seed <= sessions; seed += 1) {
      const quiet = runSession(sessionOf(seed));
      const attacked = runSession(sessionOf(seed), { attack });
      const ended = attacked.receivers.map(({ ended: end }) => end);
      expect(ended).toEqual(copies(4, { kind: "ended", outcome: "complete" }));
      const honest = attacked.sender.members.filter(({ node }) => node <= 4);
      expect(honest.map(({ state }) => state)).toEqual(copies(4, "done"));
      expect(attacked.sender.members.length - 4).toBe(LIARS_OF[attack] ?? 0);
      const slower = lastComplete(attacked) / lastComplete(quiet);
      console.info(`seed ${seed}, ${attack}: ${slower.toFixed(3)} of the time`);
      expect(slower).toBeLessThan(SLOWER_MAX);
    }
  });
});
