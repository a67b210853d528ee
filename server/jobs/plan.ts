/**
 * The plan: decides whether a job may begin. Every reason to refuse a job is checked here, before
 * any node is touched. The store is asked beforehand, because it answers later: a load is planned
 * with the image that {@link findImage} found, a save with whether its name is taken.
 *
 * A plan depends only on the request, the image, the inventory and the running jobs. A refusal is
 * exit code 4 and names every node it is about, so that the operator can correct all of the command
 * line at once. `now` is milliseconds since 1970.
 */
import type * as z from "zod";
import type { LoadRequest, SaveRequest } from "../../shared/control/operator-api.ts";
import type { Principal } from "../../shared/control/principal.ts";
import { DeliverySpec, LoadSpec, SaveSpec } from "../../shared/control/spec.ts";
import type { NodeSpec } from "../../shared/control/spec.ts";
import { FormatError, SituationError } from "../../shared/core/errors.ts";
import { nearestHint } from "../../shared/core/nearest-name.ts";
import { TAIL_BYTES_MAX } from "../../shared/image/limits.ts";
import type { ImageStore, OpenedImage } from "../../shared/image/store.ts";
import type { Inventory, InventoryNode } from "../inventory/inventory.ts";
import type { JobRecord, OrderRecord } from "./journal.ts";
import type { LabState } from "./lab-state.ts";

/** What plans are made from. */
export interface PlanParts {
  readonly inventory: Inventory;
  readonly state: LabState;
  readonly principal: Principal;
  /** 128 fresh random bits as 32 hexadecimal digits. */
  readonly id128: () => string;
}

/** The image of a load, as it was found in the store. */
export interface LoadImage {
  /** 64 hexadecimal digits. */
  readonly id: string;
  /** Identity of the file: this very file is proven, and every node is given chunks of it. */
  readonly file: string;
}

/**
 * Finds the image of a load. One that is torn, or has a longer tail than a node takes, is refused
 * here, with the reason, before any node is touched (P11).
 *
 * @throws {@link SituationError} `no_such_image`, `image_damaged`, `tail_too_long`.
 */
export async function findImage(
  images: Pick<ImageStore, "open" | "list">,
  name: string,
): Promise<LoadImage> {
  try {
    const image = await images.open({ name });
    image.close();
    refuseLongTail(name, image);
    return { id: image.summary.id, file: image.file };
  } catch (error) {
    if (!(error instanceof FormatError)) throw await withNearName(error, images, name);
    const cure = `Save the image again, or put a good copy of "${name}" into the store.`;
    const message = `Cannot load image "${name}": ${error.message}`;
    throw new SituationError("image_damaged", message, { cure, cause: error });
  }
}

/** Adds to a `no_such_image` the name of the store that was perhaps meant. */
export async function withNearName(
  error: unknown,
  images: Pick<ImageStore, "list">,
  name: string,
): Promise<unknown> {
  if (!(error instanceof SituationError) || error.code !== "no_such_image") return error;
  const names = (await images.list()).images.map((image) => image.name);
  const { message, exitCode } = error;
  const cure = nearestHint(names, name) + error.cure;
  return new SituationError(error.code, message, { cure, exitCode, cause: error });
}

function refuseLongTail(name: string, { index }: OpenedImage): void {
  const { fileBytes, table } = index.footer;
  const tailBytes = fileBytes - table.offset;
  if (tailBytes <= TAIL_BYTES_MAX) return;
  const found = `its table of chunks takes ${Math.ceil(tailBytes / MEBIBYTE)} MiB`;
  throw new SituationError(
    "tail_too_long",
    `Cannot load image "${name}": ${found}, at most ${TAIL_BYTES_MAX / MEBIBYTE} MiB wanted`,
    {
      cure: "Write it with `huck image restore`; or save a disk that is less full or fragmented.",
    },
  );
}

const MEBIBYTE = 1 << 20;

/** A job that may begin. */
export interface Plan {
  readonly job: JobRecord;
  readonly orders: readonly OrderRecord[];
}

/**
 * Plans a load. Nothing has begun when it returns.
 *
 * @param image - What the request's name stands for now.
 * @throws {@link SituationError} `unknown_node`, `node_busy`, `confirm_needed`.
 */
export function planLoad(
  request: z.output<typeof LoadRequest>,
  image: LoadImage,
  parts: PlanParts,
  now: number,
): Plan {
  const nodes = [...new Set(request.nodes)].map((name) => parts.inventory.named(name));
  refuseBusy(nodes, parts.state);
  refuseUnconfirmed(nodes, request.confirmed, "written");
  const job: JobRecord = {
    id: parts.id128(),
    image: request.image,
    terms: {
      action: "load",
      imageId: image.id,
      file: image.file,
      ...LoadSpec.parse(request),
      ...DeliverySpec.parse(request),
    },
    principal: parts.principal,
    createdAt: now,
    deadlineAt: now + request.deadlineSeconds * 1000,
    state: "running",
  };
  return { job, orders: nodes.map((node) => orderOf(job, node, request, parts)) };
}

/**
 * Plans a save, which has one order. Nothing has begun when it returns.
 *
 * @param taken - True if something in the store already has the name.
 * @throws {@link SituationError} `unknown_node`, `node_busy`, `confirm_needed`, `image_exists`.
 */
export function planSave(
  request: z.output<typeof SaveRequest>,
  taken: boolean,
  parts: PlanParts,
  now: number,
): Plan {
  const node = parts.inventory.named(request.node);
  refuseBusy([node], parts.state);
  refuseUnconfirmed([node], request.confirmed, "restarted");
  refuseTaken(request.name, taken, parts);
  const job: JobRecord = {
    id: parts.id128(),
    image: request.name,
    terms: { action: "save", ...SaveSpec.parse(request) },
    principal: parts.principal,
    createdAt: now,
    deadlineAt: now + request.deadlineSeconds * 1000,
    state: "running",
  };
  return { job, orders: [orderOf(job, node, request, parts)] };
}

function orderOf(
  job: JobRecord,
  node: InventoryNode,
  wishes: Pick<z.output<typeof LoadRequest>, keyof NodeSpec>,
  parts: PlanParts,
): OrderRecord {
  return {
    id: parts.id128(),
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
  const look = done === "written" ? "Look at the plan with --dry-run, then a" : "A";
  const marked = nodes.filter((node) => node.reimage === "confirm").map((node) => `"${node.name}"`);
  if (marked.length === 0) return;
  throw new SituationError(
    "confirm_needed",
    `Cannot begin: ${listed(marked)} may be ${done} only when confirmed`,
    { cure: `${look}dd --yes; or mark the node \`reimage: free\` in huck.yaml.` },
  );
}

function refuseTaken(name: string, taken: boolean, parts: PlanParts): void {
  const running = parts.state
    .open()
    .some(({ job }) => job.terms.action === "save" && job.image === name);
  if (!running && !taken) return;
  throw new SituationError("image_exists", `Cannot save as "${name}": the name is taken`, {
    cure: "Choose another name; huck never replaces an image.",
  });
}

/** Names the first few items and counts the rest, so that a message fits on one screen. */
function listed(items: readonly string[]): string {
  const shown = items.slice(0, ITEMS_SHOWN).join(", ");
  return items.length > ITEMS_SHOWN ? `${shown} and ${items.length - ITEMS_SHOWN} more` : shown;
}

const ITEMS_SHOWN = 8;
