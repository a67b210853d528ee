/**
 * The plan: which jobs may begin. Everything is refused here or not at all, before any node is
 * touched.
 *
 * The one idea: a plan is a pure answer to (request, image, inventory, what is running). A refusal
 * is exit code 4 and names every node it is about, so that the operator corrects the command line
 * once.
 */
import type * as z from "zod";
import type { LoadRequest, SaveRequest } from "../../shared/control/operator-api.ts";
import type { Principal } from "../../shared/control/principal.ts";
import { DeliverySpec, LoadSpec, SaveSpec } from "../../shared/control/spec.ts";
import type { NodeSpec } from "../../shared/control/spec.ts";
import { SituationError } from "../../shared/core/errors.ts";
import type { Inventory, InventoryNode } from "../inventory/inventory.ts";
import type { JobRecord, OrderRecord } from "./journal.ts";
import type { LabState } from "./state.ts";

/** What plans are made of. */
export interface Grounds {
  readonly inventory: Inventory;
  readonly state: LabState;
  /** Who asks. */
  readonly principal: Principal;
  /** 128 fresh random bits as 32 hexadecimal digits. */
  readonly id128: () => string;
}

/** The image of a load, as it was found in the store. */
export interface LoadImage {
  /** 64 hexadecimal digits. */
  readonly id: string;
  /** Identity of the very file: it is proven, and it is what every node is given. */
  readonly file: string;
}

/** A job that may begin. */
export interface Plan {
  readonly job: JobRecord;
  readonly orders: readonly OrderRecord[];
}

/**
 * Plans a load.
 *
 * @param request - Parsed.
 * @param image - What the request's name stands for.
 * @param grounds - What is known.
 * @param now - Milliseconds since 1970.
 * @returns Job and orders, not yet begun.
 * @throws {@link SituationError} `unknown_node`, `node_busy`, `confirm_needed`.
 */
export function planLoad(
  request: z.output<typeof LoadRequest>,
  image: LoadImage,
  grounds: Grounds,
  now: number,
): Plan {
  const nodes = [...new Set(request.nodes)].map((name) => grounds.inventory.named(name));
  refuseBusy(nodes, grounds.state);
  refuseUnconfirmed(nodes, request.confirmed, "written");
  const job: JobRecord = {
    id: grounds.id128(),
    image: request.image,
    terms: {
      action: "load",
      imageId: image.id,
      file: image.file,
      ...LoadSpec.parse(request),
      ...DeliverySpec.parse(request),
    },
    principal: grounds.principal,
    createdAt: now,
    deadlineAt: now + request.deadlineSeconds * 1000,
    state: "running",
  };
  return { job, orders: nodes.map((node) => orderOf(job, node, request, grounds)) };
}

/**
 * Plans a save.
 *
 * @param request - Parsed.
 * @param taken - True if something in the store has that name.
 * @param grounds - What is known.
 * @param now - Milliseconds since 1970.
 * @returns Job and its one order, not yet begun.
 * @throws {@link SituationError} `unknown_node`, `node_busy`, `confirm_needed`, `image_exists`.
 */
export function planSave(
  request: z.output<typeof SaveRequest>,
  taken: boolean,
  grounds: Grounds,
  now: number,
): Plan {
  const node = grounds.inventory.named(request.node);
  refuseBusy([node], grounds.state);
  refuseUnconfirmed([node], request.confirmed, "restarted");
  refuseTaken(request.name, taken, grounds);
  const job: JobRecord = {
    id: grounds.id128(),
    image: request.name,
    terms: { action: "save", ...SaveSpec.parse(request) },
    principal: grounds.principal,
    createdAt: now,
    deadlineAt: now + request.deadlineSeconds * 1000,
    state: "running",
  };
  return { job, orders: [orderOf(job, node, request, grounds)] };
}

function orderOf(
  job: JobRecord,
  node: InventoryNode,
  wishes: Pick<z.output<typeof LoadRequest>, keyof NodeSpec>,
  grounds: Grounds,
): OrderRecord {
  return {
    id: grounds.id128(),
    job: job.id,
    node: node.name,
    disk: wishes.disk ?? node.disk,
    leave: wishes.leave ?? node.leave ?? "reboot",
    state: "waiting",
    armed: 0,
    armedBy: null,
    phase: "waiting",
    captured: null,
    nonce: null,
    verdict: null,
  };
}

function refuseBusy(nodes: readonly InventoryNode[], state: LabState): void {
  const busy = nodes.flatMap((node) => {
    const order = state.current(node.name);
    return order === undefined ? [] : [`"${node.name}" belongs to job ${order.job.id}`];
  });
  if (busy.length === 0) return;
  throw new SituationError("node_busy", `Cannot begin: ${listed(busy)}`, {
    cure: "Wait for that job, or end it with `huck job abort`.",
  });
}

function refuseUnconfirmed(
  nodes: readonly InventoryNode[],
  confirmed: boolean,
  done: string,
): void {
  if (confirmed) return;
  const marked = nodes.filter((node) => node.reimage === "confirm").map((node) => `"${node.name}"`);
  if (marked.length === 0) return;
  throw new SituationError(
    "confirm_needed",
    `Cannot begin: ${listed(marked)} may be ${done} only when confirmed`,
    { cure: "Look at the plan with --dry-run, then add --yes; or mark the node `reimage: free`." },
  );
}

function refuseTaken(name: string, taken: boolean, grounds: Grounds): void {
  const running = grounds.state
    .open()
    .some(({ job }) => job.terms.action === "save" && job.image === name);
  if (!running && !taken) return;
  throw new SituationError("image_exists", `Cannot save as "${name}": the name is taken`, {
    cure: "Choose another name; huck never replaces an image.",
  });
}

/** Names the first few, counts the rest: a message fits one screen. */
function listed(items: readonly string[]): string {
  const shown = items.slice(0, ITEMS_SHOWN).join(", ");
  return items.length > ITEMS_SHOWN ? `${shown} and ${items.length - ITEMS_SHOWN} more` : shown;
}

const ITEMS_SHOWN = 8;
