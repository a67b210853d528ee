/**
 * Goal: what an operator may ask of a job is said once. Method: the shapes of request, order and
 * journal are compared with the spec, so a copy that is made by hand turns red.
 */
import { expect, test } from "vitest";
import { LoadRequest, SaveRequest } from "../../../../shared/control/operator-api.ts";
import { LoadOrder, SaveOrder } from "../../../../shared/control/order.ts";
import { DeliverySpec, LoadSpec, NodeSpec, SaveSpec } from "../../../../shared/control/spec.ts";
import { JobTerms } from "../../../../server/jobs/journal.ts";

const [LoadTerms, SaveTerms] = JobTerms.options;

test("request, order and journal hold the very fields of LoadSpec", () => {
  for (const shape of [LoadRequest.shape, LoadOrder.shape, LoadTerms.shape]) {
    expect(shape).toMatchObject(LoadSpec.shape);
  }
  for (const shape of [LoadRequest.shape, LoadTerms.shape]) {
    expect(shape).toMatchObject(DeliverySpec.shape);
  }
});

test("request, order and journal hold the very fields of SaveSpec", () => {
  for (const shape of [SaveRequest.shape, SaveOrder.shape, SaveTerms.shape]) {
    expect(shape).toMatchObject(SaveSpec.shape);
  }
  for (const shape of [LoadOrder.shape, SaveOrder.shape]) {
    expect(shape).toMatchObject(NodeSpec.shape);
  }
});

test("every field that a spec may leave out has a default or may be absent", () => {
  expect(LoadSpec.parse({})).toEqual({ verify: "sample", delta: true });
  expect(DeliverySpec.parse({})).toEqual({ gatherSeconds: 30 });
  expect(SaveSpec.parse({})).toEqual({ rawIfDirty: false, keepGaps: false, level: 3 });
});
