/**
 * Goal: the schemas take what the specification shows and refuse what breaks their bounds. Method:
 * examples, one fault each.
 */
import { expect, test } from "vitest";
import { Event } from "../../../../shared/control/event.ts";
import { MacAddress, NodeName, Timestamp } from "../../../../shared/control/names.ts";
import { JoinRequest, StatusReport } from "../../../../shared/control/node-api.ts";
import { LoadRequest } from "../../../../shared/control/operator-api.ts";
import { Problem, problemOf } from "../../../../shared/control/problem.ts";
import { PHASE_SENTENCES, Phase, isOk } from "../../../../shared/control/verdict.ts";
import { FormatError, SituationError } from "../../../../shared/core/errors.ts";

test("names refuse what could be a path, a flag or a second header line", () => {
  for (const bad of ["", "-a", "../x", "a/b", "a\nb", "a b", "x".repeat(64)]) {
    expect(NodeName.safeParse(bad).success, JSON.stringify(bad)).toBe(false);
  }
  expect(MacAddress.safeParse("52:54:00:AB:00:01").success).toBe(false);
  expect(Timestamp.safeParse(new Date(0).toISOString()).success).toBe(true);
});

test("JoinRequest is strict: a member nobody knows is refused, not ignored", () => {
  const join = {
    token: "0".repeat(32),
    nonce: "1".repeat(32),
    macs: ["52:54:00:12:34:56"],
    interfaces: [],
    disks: [],
    memoryBytes: 1,
    version: "0.1.0",
  };
  expect(JoinRequest.safeParse(join).success).toBe(true);
  expect(JoinRequest.safeParse({ ...join, wipe: true }).success).toBe(false);
  expect(JoinRequest.safeParse({ ...join, macs: [] }).success).toBe(false);
});

test("LoadRequest fills in the safe defaults", () => {
  const load = LoadRequest.parse({ image: "ubuntu", nodes: ["pc-1"] });
  expect(load).toMatchObject({ verify: "sample", delta: true, confirmed: false });
  expect(load.leave).toBeUndefined();
});

test("Event ignores members it does not know, so that old programs read new servers", () => {
  const event = { kind: "note", seq: 1, at: new Date(0).toISOString(), level: "info", text: "x" };
  expect(Event.parse({ ...event, later: 1 })).toEqual(event);
});

test("StatusReport refuses a loss above 1", () => {
  const status = {
    order: null,
    phase: "receiving",
    detail: "",
    doneBytes: 0,
    totalBytes: 0,
    bytesPerSecond: 0,
    loss: 1.1,
  };
  expect(StatusReport.safeParse(status).success).toBe(false);
});

test("problemOf() keeps code, cure and exit code, and hides nothing but length", () => {
  const busy = new SituationError("node_busy", "Cannot load", { cure: "Wait" });
  expect(problemOf(busy)).toMatchObject({
    code: "node_busy",
    status: 409,
    cure: "Wait",
    exitCode: 4,
  });
  expect(problemOf(new FormatError("truncated", "x"))).toMatchObject({
    code: "truncated",
    status: 400,
  });
  expect(Problem.safeParse(problemOf(new Error("y".repeat(5000)))).success).toBe(true);
});

test("every phase has its sentence, and only the two good verdicts are ok", () => {
  for (const phase of Phase.options) expect(PHASE_SENTENCES[phase].length).toBeGreaterThan(10);
  expect([isOk({ code: "ok" }), isOk({ code: "ok_unchanged" }), isOk({ code: "lost" })]).toEqual([
    true,
    true,
    false,
  ]);
});
