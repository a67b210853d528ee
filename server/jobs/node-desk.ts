/**
 * The node desk: every request of the node API as a decision, without HTTP.
 *
 * A token gives a {@link Visitor}, and a visitor may speak only for the order that its own boot was
 * given. load.ts, save.ts and visit.ts explain the requests; order-machine.ts moves the orders.
 */
import type { KeyObject } from "node:crypto";
import { FEATURES } from "../../shared/control/feature.ts";
import type {
  ArmReply,
  ArmRequest,
  JoinReply,
  JoinRequest,
  SessionTerms,
  StatusReply,
  StatusReport,
  VerdictReport,
} from "../../shared/control/node-api.ts";
import { signOrder } from "../../shared/control/order.ts";
import type { SignedOrder } from "../../shared/control/order.ts";
import type { Verdict } from "../../shared/control/verdict.ts";
import { SituationError, codeOf } from "../../shared/core/errors.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { Boot } from "./boot.ts";
import type { LoadTerms, TokenRecord } from "./journal.ts";
import { decideArm, willJoin, refuseUnproven, writeLoadOrder } from "./load.ts";
import { REFUSAL } from "./findings.ts";
import type { Refusal } from "./findings.ts";
import { beginCapture, writeSaveOrder } from "./save.ts";
import type { CaptureBounds } from "./save.ts";
import type { LiveOrder } from "./order-machine.ts";
import type { LabState } from "./lab-state.ts";
import { JOIN_WITHIN_MS } from "./token.ts";
import type { TokenBook } from "./token.ts";
import type { SessionImage, Sessions } from "../sessions/sessions.ts";
import { Uploads } from "./uploads.ts";
import type { Upload } from "./uploads.ts";
import { nodeBoots, nodeEnds, nodeReports } from "./visit.ts";

export interface DeskParts {
  /** Gives the inventory in force: it may be replaced while the server runs. */
  readonly inventory: () => Inventory;
  /** Ed25519 private key that signs orders. */
  readonly orderKey: KeyObject;
  readonly sessions: Sessions;
  /** 128 fresh random bits as 32 hexadecimal digits. */
  readonly id128: () => string;
}

/** A node whose token was checked. */
export interface Visitor {
  readonly node: string;
  /** Of the boot that the token belongs to. */
  readonly nonce: string;
  /** The open order that this boot was given; undefined if it has nothing to do. */
  readonly order: LiveOrder | undefined;
}

/** An upload that runs: one per order. */
export interface RunningCapture extends CaptureBounds {
  readonly order: LiveOrder;
  readonly upload: Upload;
}

/** Serves nodes. `now` is milliseconds since 1970, on a clock that never goes back. */
export class NodeDesk {
  readonly #parts: DeskParts;
  readonly #state: LabState;
  readonly #tokens: TokenBook;
  readonly #uploads = new Uploads();

  constructor(parts: DeskParts, state: LabState, tokens: TokenBook) {
    this.#parts = parts;
    this.#state = state;
    this.#tokens = tokens;
  }

  /**
   * Mints a token for a node that fetches its boot script.
   *
   * @param mac - As the node gives it.
   * @returns The node's name and the token; undefined if the MAC is not in the inventory.
   */
  mintToken(
    mac: string,
    now: number,
  ): { readonly node: string; readonly token: string } | undefined {
    const node = this.#parts.inventory().withMac([mac])?.name;
    if (node === undefined) return undefined;
    const token = this.#parts.id128();
    this.#state.turns.keeping(() => {
      this.#tokens.mint(token, node, mac, now);
    });
    nodeBoots(this.#state, node, now);
    return { node, token };
  }

  /**
   * Lets a receiver join.
   *
   * @returns Its order, signed for this boot, or none if it has nothing to do.
   * @throws {@link SituationError} `unknown_node`, `bad_token`.
   */
  join(request: JoinRequest, now: number): JoinReply {
    const node = this.#parts.inventory().withMac(request.macs);
    if (node === undefined) {
      throw new SituationError(
        "unknown_node",
        `Cannot serve ${request.macs[0] ?? "a node"}: no such MAC in the inventory`,
        {
          cure: "Add the node to huck.yaml and reload it, or let it boot its disk.",
        },
      );
    }
    const order = this.#state.current(node.name);
    this.#takeToken(request, node.name, order, now);
    this.#state.sighted(node.name, now, request.disks);
    const boot = { nonce: request.nonce, macs: node.macs, now };
    return {
      node: node.name,
      serverTime: new Date(now).toISOString(),
      features: [...FEATURES],
      order: order === undefined ? null : this.#giveOrder(order, boot, request.features),
    };
  }

  /**
   * Checks the token that came in the header of a request.
   *
   * @returns The node that the token speaks for.
   * @throws {@link SituationError} `bad_token`.
   */
  visitor(token: string, now: number): Visitor {
    const record: TokenRecord | string = this.#tokens.speaks(token, now);
    if (typeof record === "string") throw badToken(record);
    const { node } = record;
    const nonce = record.nonce ?? "";
    const order = this.#state.current(node);
    return { node, nonce, order: order?.record.nonce === nonce ? order : undefined };
  }

  /**
   * Gives a node a place in the session that sends its image.
   *
   * @throws {@link SituationError} `order_over`, `image_unproven`, `no_group_free`, or why the
   *   sender did not start.
   */
  async session(visitor: Visitor, orderId: string, now: number): Promise<SessionTerms> {
    const order = this.#orderOf(visitor, orderId);
    const { record, job } = order;
    const { terms } = job;
    if (terms.action !== "load" || job.state !== "running" || record.verdict !== null) {
      throw orderOver(record.id);
    }
    refuseUnproven(this.#state, order, now);
    const image = imageOfLoad(job.image, terms);
    const expected = this.#state.open().filter((other) => willJoin(other, image));
    return await this.#parts.sessions.join({
      order: record.id,
      boot: visitor.nonce,
      image,
      rateBitsPerSecond: terms.rateBitsPerSecond,
      members: expected.length,
      gatherMs: terms.gatherSeconds * 1000,
    });
  }

  /**
   * Answers a node that asks whether it may clear a partition table.
   *
   * @returns Whether it may. If so, the arm is already counted in the journal.
   * @throws {@link SituationError} `order_over`, `image_unproven`.
   */
  arm(visitor: Visitor, request: ArmRequest, now: number): ArmReply {
    const order = this.#orderOf(visitor, request.order);
    if (order.job.state === "running" && order.record.verdict === null) {
      refuseUnproven(this.#state, order, now);
    }
    const decision = decideArm(order, request, now);
    if (!decision.allowed) return decision;
    if (decision.isNew) {
      const detail = `attempt ${order.record.armed + 1} on ${request.disk.path}`;
      order.happens({ event: "armAllowed", detail }, now);
    }
    return { allowed: true };
  }

  /**
   * Takes a node's report of its phase and progress.
   *
   * @returns Whether the node shall stop.
   * @throws {@link SituationError} `order_over`.
   */
  report(visitor: Visitor, report: StatusReport, now: number): StatusReply {
    if (report.order === null) {
      this.#state.sighted(visitor.node, now);
      return { abort: false };
    }
    return nodeReports(this.#state, this.#orderOf(visitor, report.order), report, now);
  }

  /**
   * Takes a node's verdict.
   *
   * @returns Never asks the node to stop.
   * @throws {@link SituationError} `order_over`.
   */
  verdict(visitor: Visitor, report: VerdictReport, now: number): StatusReply {
    const order = this.#orderOf(visitor, report.order);
    let reply: StatusReply = { abort: false };
    this.#state.turns.turn(() => {
      order.keepStored(now);
      reply = nodeEnds(this.#state, order, report, now);
    });
    this.#releaseEnded();
    return reply;
  }

  /**
   * Names the image that a node is to load.
   *
   * @returns Name, id and file: the node gets its manifest, every chunk and its session from that
   *   one file.
   * @throws {@link SituationError} `order_over` if the node has no load to do.
   */
  imageOf(visitor: Visitor): SessionImage {
    const job = visitor.order?.job;
    if (job?.terms.action !== "load") throw orderOver("");
    return imageOfLoad(job.image, job.terms);
  }

  /**
   * Answers a node that is about to upload its image.
   *
   * @param giveWay - Called when the node begins again: break this upload off.
   * @returns The draft's name, the disk's size, the order, and the upload, which the caller ends.
   * @throws {@link SituationError} `no_capture_wanted`, `order_over`, `upload_checked`.
   */
  beginCapture(visitor: Visitor, giveWay: () => void): RunningCapture {
    const { order } = visitor;
    if (order === undefined) throw orderOver("");
    const bounds = beginCapture(this.#state, order);
    const upload = this.#uploads.begin(order.record.id, giveWay);
    if (upload === undefined) throw uploadChecked(order.record.node);
    order.noteRefusal(undefined);
    return { ...bounds, order, upload };
  }

  /**
   * Notes that bytes of an upload arrive.
   *
   * @returns False if the order has ended, or a newer upload has begun: break the upload off and
   *   remove the draft.
   */
  captureGoesOn({ order, upload }: RunningCapture, now: number): boolean {
    const runs = order.record.verdict === null && order.job.state === "running";
    const lives = runs && upload.isLatest;
    if (lives) order.happens({ event: "uploadMoved" }, now);
    return lives;
  }

  /**
   * Notes why the server refused an upload, and tells the operators at once: the node may never
   * read the answer. An upload that gave way to a newer one says nothing about the order.
   */
  refuseCapture({ order, upload }: RunningCapture, refusal: Refusal, now: number): void {
    if (!upload.isLatest || order.record.verdict !== null) return;
    order.noteRefusal(refusal);
    try {
      this.#state.warn(order, `${REFUSAL}: ${refusal.reason}`, now);
    } catch (thrown) {
      if (codeOf(thrown) !== "journal_unwritable") throw thrown;
    }
  }

  /**
   * Notes that the uploaded image is durable. While the journal cannot write, the order keeps that
   * in memory: the image is in the store, so the save must not fail.
   */
  endCapture(order: LiveOrder, imageId: string, now: number): void {
    try {
      order.imageStored(imageId, now);
    } catch (thrown) {
      if (codeOf(thrown) !== "journal_unwritable") throw thrown;
    }
  }

  /** @throws {@link SituationError} `bad_token`. */
  #takeToken(request: JoinRequest, node: string, order: LiveOrder | undefined, now: number): void {
    this.#state.turns.keeping(() => {
      const token = this.#tokens.join(request, now);
      if (typeof token === "string") throw badToken(token);
      if (token.node !== node) throw badToken("other MAC");
      const goodUntil = Math.max(order?.job.deadlineAt ?? now, now + JOIN_WITHIN_MS);
      this.#tokens.joined(token, request.nonce, goodUntil);
    });
  }

  /** @returns Null if joining has ended the order. */
  #giveOrder(order: LiveOrder, boot: Boot, known: readonly string[]): SignedOrder | null {
    const { terms } = order.job;
    order.keepStored(boot.now);
    order.happens({ event: "joined", nonce: boot.nonce }, boot.now);
    this.#releaseEnded();
    if (order.record.verdict !== null) return null;
    const unsigned =
      terms.action === "load"
        ? writeLoadOrder(order, terms, boot)
        : writeSaveOrder(order, terms, boot);
    const lacking = unsigned.needs.filter((feature) => !known.includes(feature));
    if (lacking.length > 0) {
      const verdict = receiverOlder(lacking, boot.now);
      order.happens({ event: "verdictSaid", verdict }, boot.now);
      this.#releaseEnded();
      return null;
    }
    return signOrder(unsigned, this.#parts.orderKey, known);
  }

  #orderOf(visitor: Visitor, id: string): LiveOrder {
    const order = this.#state.orders.get(id);
    if (order?.record.node === visitor.node && order.record.nonce === visitor.nonce) return order;
    throw orderOver(id);
  }

  #releaseEnded(): void {
    for (const id of this.#state.takeEnded()) this.#parts.sessions.leave(id);
  }
}

function imageOfLoad(name: string, { imageId, file }: LoadTerms): SessionImage {
  return { name, id: imageId, file };
}

/** The verdict that the receiver would give if it could read its order. */
function receiverOlder(lacking: readonly string[], now: number): Verdict {
  return {
    code: "receiver_older",
    phase: "joining",
    reason: `the receiver lacks ${lacking.join(", ")}, which the order needs`,
    cure: "Renew the boot files of the server (make initramfs), then run the same command again.",
    diskUntouched: true,
    incomplete: false,
    bytesWritten: 0,
    at: new Date(now).toISOString(),
  };
}

function badToken(why: string): SituationError {
  return new SituationError("bad_token", `Cannot accept the token: ${why}`, {
    cure: "Boot the node again; each boot script carries a fresh token.",
  });
}

function uploadChecked(node: string): SituationError {
  return new SituationError(
    "upload_checked",
    `Cannot take another image from node "${node}": all of one is here and is being checked`,
    { cure: "Wait for the result; it is in the job's events." },
  );
}

function orderOver(id: string): SituationError {
  return new SituationError(
    "order_over",
    `Cannot go on with order "${id}": it is not this node's, or has ended`,
    {
      cure: "Leave the receiver; the server tells the node what to do at its next join.",
    },
  );
}
