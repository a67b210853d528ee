/**
 * Goal: every session of a random network, disk and fate ends right (P1, P3, P9), and the same
 * seed gives the same run (P12). Method: the production engines under virtual time; SESSIONS=n
 * runs n seeds (default 500), SEED=n replays one and prints what happened.
 */
import { cpuUsage, env } from "node:process";
import { describe, expect, test } from "vitest";
import { planOf } from "./plan.ts";
import { runSession } from "./session.ts";
import type { SessionResult } from "./session.ts";
import { faultsOf } from "./verdict.ts";

const SESSIONS_DEFAULT = 500;
const sessions = Number(env["SESSIONS"] ?? SESSIONS_DEFAULT);
const onlySeed = env["SEED"];

describe("P1 P3 P9: sessions by seed", () => {
  if (onlySeed === undefined)
    test(`${sessions} sessions end with every copy right`, () => {
      const failures: string[] = [];
      let payload = 0;
      for (let seed = 1; seed <= sessions; seed += 1) {
        const result = attempt(seed);
        if (typeof result === "string") failures.push(result);
        else payload += result.payloadBytes;
      }
      const seconds = (cpuUsage().user / 1e6).toFixed(1);
      console.info(
        `${sessions} sessions, ${(payload / 2 ** 20).toFixed(0)} MiB, ${seconds} s of CPU`,
      );
      expect(failures).toEqual([]);
    });
  else
    test("the session of SEED, told in full", () => {
      const result = attempt(Number(onlySeed));
      console.info(JSON.stringify(result, undefined, 1));
      expect(typeof result).not.toBe("string");
    });

  test("P12: a seed replays byte for byte", () => {
    for (const seed of [2, 6, 15]) {
      const first = runSession(planOf(seed));
      const second = runSession(planOf(seed));
      expect(second.digest).toBe(first.digest);
      expect(second.endedAtMs).toBe(first.endedAtMs);
    }
    expect(runSession(planOf(2)).digest).not.toBe(runSession(planOf(6)).digest);
  });
});

function attempt(seed: number): SessionResult | string {
  try {
    const result = runSession(planOf(seed), { policy: { probeCount: 32 } });
    const faults = faultsOf(result);
    return faults.length === 0 ? result : `SEED=${seed}: ${faults.join("; ")}`;
  } catch (error) {
    return `SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
