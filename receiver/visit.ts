/**
 * One visit of a node to the receiver: join, carry out the order if there is one, report the
 * verdict.
 *
 * Whatever happens, the server is told how it ended, and the node leaves the receiver. Devices,
 * threads and the network are behind the `Host` interface, so a receiver that works on files runs
 * the same code as one that is PID 1.
 */
import { fromHex } from "../shared/core/digest.ts";
import type { DiskDescription } from "../shared/control/disk-rule.ts";
import type { JoinReply, JoinRequest } from "../shared/control/node-api.ts";
import { FEATURES } from "../shared/control/feature.ts";
import { openOrder } from "../shared/control/order.ts";
import type { OpenedOrder, Order, SignedOrder } from "../shared/control/order.ts";
import type { LeaveMode } from "../shared/control/spec.ts";
import type { Verdict } from "../shared/control/verdict.ts";
import { phaseLine, verdictLines } from "./console/screen.ts";
import type { DiskWork } from "./disk/disk-work.ts";
import { NodeFailure, failedVerdict } from "./failure.ts";
import { load } from "./load.ts";
import type { SuccessCode } from "./load.ts";
import { save } from "./save.ts";
import type { LoadReception, ReceptionStart } from "./link/load-reception.ts";
import type { ServerLink } from "./link/server-link.ts";
import { Reporter } from "./link/reporter.ts";
import { stoppableLink } from "./link/stoppable-link.ts";
import type { Stage } from "./stage.ts";

/** What a visit needs of the outside world. */
export interface Host {
  readonly link: ServerLink;
  /** Ed25519 public key of the server: 64 hexadecimal digits. */
  readonly publicKey: string;
  readonly join: JoinRequest;
  readonly disks: readonly DiskDescription[];
  /** Monotonic clock. Unit: milliseconds. */
  now(): number;
  /** Starts the disk work; called once, for an order whose signature holds. */
  diskWork(): DiskWork;
  startReception(start: ReceptionStart): LoadReception;
  /** Shows a line on the console. */
  print(line: string): void;
  /** Calls `beat` about every second until the returned function is called. */
  every(beat: () => void): () => void;
  /** Registers a function that is called when the process shall stop at the next safe point. */
  onStop(stop: (reason: string) => void): void;
}

/** How a visit ended. */
export interface VisitEnd {
  /** Undefined if there was no order. */
  readonly verdict: Verdict | undefined;
  readonly leave: LeaveMode;
}

/**
 * Makes one visit.
 *
 * @returns The verdict, and how to leave the receiver.
 * @throws SituationError if the server cannot be joined; nothing was touched then.
 */
export async function visit(host: Host): Promise<VisitEnd> {
  const reply = await host.link.join(host.join);
  const joinedAt = host.now();
  if (reply.order === null) {
    host.print(`huck: ${reply.node}: nothing to do, on to its disk`);
    return { verdict: undefined, leave: "reboot" };
  }
  return new Obedience(host, reply, joinedAt).obey(reply.order);
}

const GIVE_AGAIN = "Run the same command again, on the server that this node boots from.";
const CURES = {
  order_forged: GIVE_AGAIN,
  order_replayed: GIVE_AGAIN,
  order_expired: GIVE_AGAIN,
  receiver_older:
    "Renew the boot files of the server (make initramfs), then run the same command again.",
} as const;

/** Carries out one order. */
class Obedience {
  readonly #host: Host;
  readonly #reply: JoinReply;
  readonly #joinedAt: number;
  #armed = false;
  #opened = false;

  constructor(host: Host, reply: JoinReply, joinedAt: number) {
    this.#host = host;
    this.#reply = reply;
    this.#joinedAt = joinedAt;
  }

  async obey(signed: SignedOrder): Promise<VisitEnd> {
    const opened = this.#open(signed);
    const id = opened.ok ? opened.order.id : opened.claimedId;
    const reporter = this.#reporter(id ?? null);
    this.#host.onStop((reason) => {
      reporter.stop(reason);
    });
    const endBeats = this.#host.every(() => {
      reporter.beat();
    });
    let verdict: Verdict;
    let disk: DiskWork | undefined;
    try {
      if (!opened.ok) throw new NodeFailure(opened.code, opened.reason, CURES[opened.code]);
      const work = this.#host.diskWork();
      disk = work;
      reporter.onStop(() => {
        work.stop();
      });
      verdict = this.#good(await this.#work(opened.order, work, reporter), opened.order, work);
    } catch (error) {
      const state = {
        armed: this.#armed,
        opened: this.#opened,
        bytesWritten: disk?.bytesWritten() ?? 0,
      };
      verdict = failedVerdict(error, reporter.phase, state, this.#serverTime().toISOString());
    } finally {
      await disk?.close();
    }
    for (const line of verdictLines(this.#reply.node, verdict)) this.#host.print(line);
    try {
      if (id !== undefined) await this.#host.link.verdict({ order: id, verdict });
    } finally {
      endBeats();
    }
    return { verdict, leave: opened.ok ? opened.order.leave : "reboot" };
  }

  #reporter(order: string | null): Reporter {
    return new Reporter({
      link: this.#host.link,
      order,
      now: () => this.#host.now(),
      show: (standing) => {
        this.#host.print(phaseLine(this.#reply.node, standing));
      },
    });
  }

  #open(signed: SignedOrder): OpenedOrder {
    return openOrder(signed, {
      publicKey: fromHex(this.#host.publicKey, 32),
      macs: this.#host.join.macs,
      nonce: this.#host.join.nonce,
      features: FEATURES,
      now: this.#serverTime(),
    });
  }

  async #work(order: Order, disk: DiskWork, reporter: Reporter): Promise<SuccessCode> {
    const stage: Stage = {
      link: stoppableLink(this.#host.link, reporter),
      reporter,
      disks: this.#host.disks,
      disk,
      startReception: (start) => this.#host.startReception(start),
      gate: (state) => {
        this.#armed = true;
        this.#opened = state === "open";
      },
    };
    return order.action === "load" ? load(order, stage) : save(order, stage);
  }

  #good(code: SuccessCode, order: Order, disk: DiskWork): Verdict {
    const done =
      order.action === "load" ? "every chunk is on the disk" : "the image is on the server";
    return {
      code,
      phase: "done",
      reason: code === "ok" ? done : "the disk holds the image already; nothing was written",
      cure: "",
      diskUntouched: !this.#armed,
      incomplete: false,
      bytesWritten: disk.bytesWritten(),
      at: this.#serverTime().toISOString(),
    };
  }

  /**
   * The server's time at the join, advanced by our monotonic clock: a node's own clock may be years
   * off.
   */
  #serverTime(): Date {
    return new Date(Date.parse(this.#reply.serverTime) + this.#host.now() - this.#joinedAt);
  }
}
