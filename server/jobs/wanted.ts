/** What a node should become, as it follows from its order. The boot answer follows from this. */
import { ORDER_ARMS_MAX } from "../../shared/control/wanted-state.ts";
import type { WantedState } from "../../shared/control/wanted-state.ts";
import type { LiveOrder } from "./order-machine.ts";

/**
 * Tells what a node should become. An order that armed twice is spent: its node is not brought
 * back.
 *
 * @param order - The one the node is busy with; undefined: none.
 * @returns The wanted state.
 */
export function wantedOf(order: LiveOrder | undefined): WantedState {
  if (order === undefined) return { kind: "disk" };
  const { record, job } = order;
  if (job.state !== "running" || record.armed >= ORDER_ARMS_MAX) return { kind: "disk" };
  return { kind: job.terms.action, order: record.id };
}
