/**
 * The server of the simulation: one run after the other over the same medium. Every run is made of
 * the production parts (Lab, NodeDesk, LabLoop, ProofQueue, Sessions, boot table, join limit);
 * only sockets, threads and the clock are the simulation's.
 */
import { createPrivateKey, createPublicKey } from "node:crypto";
import type { JoinReply, JoinRequest, SessionTerms } from "../../../shared/control/node-api.ts";
import { SPKI_ED25519_PREFIX } from "../../../shared/control/order.ts";
import { SituationError } from "../../../shared/core/errors.ts";
import { TokenBucket } from "../../../shared/core/token-bucket.ts";
import type { ImageDraft } from "../../../shared/image/store.ts";
import { assetsOf } from "../../../server/boot/assets.ts";
import { bootTableOf } from "../../../server/enter/boot-answers.ts";
import { pxeEnter } from "../../../server/enter/enter-pxe.ts";
import type { Inventory } from "../../../server/inventory/inventory.ts";
import type { Journal } from "../../../server/jobs/journal.ts";
import { LabLoop } from "../../../server/jobs/lab-loop.io.ts";
import { Lab } from "../../../server/jobs/lab.ts";
import type { RunningCapture, Visitor } from "../../../server/jobs/node-desk.ts";
import type { PowerDriver } from "../../../server/power/power-driver.ts";
import { Sessions } from "../../../server/sessions/sessions.ts";
import { BOOT_ASSETS } from "../../rig/dhcp-vectors.ts";
import { FaultyJournal } from "./faulty-journal.ts";
import type { JournalFate } from "./faulty-journal.ts";
import type { SimStore } from "./images.ts";
import type { Multicast } from "./sender.ts";
import type { World } from "./world.ts";

/** As huck.yaml has them when it does not say otherwise. Unit: milliseconds. */
export const WAIT_BOUNDS = { bootMs: 600_000, silenceMs: 30_000, returnMs: 180_000 };
/** Virtual time starts here. */
const EPOCH = Date.parse("2026-01-01T00:00:00.000Z");
/** No file is fetched: what is served to nodes is not the lab's business. */
const ASSETS = assetsOf("0.1.0", BOOT_ASSETS);
const TICK_MIN_MS = 20;
const TICK_MAX_MS = 10_000;

/** One key for all runs: RFC 8410 wraps any 32 bytes. */
const orderKey = createPrivateKey({
  key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 7)]),
  format: "der",
  type: "pkcs8",
});
export const PUBLIC_KEY: string = createPublicKey(orderKey)
  .export({ format: "der", type: "spki" })
  .subarray(SPKI_ED25519_PREFIX.byteLength)
  .toString("hex");

export interface ServerWorld {
  readonly world: World;
  readonly store: SimStore;
  readonly multicast: Multicast;
  readonly inventory: Inventory;
  readonly openJournal: () => Journal;
  readonly powerOf: (node: string) => PowerDriver;
  readonly journalFate: () => "well" | "full" | "lost" | "kept";
  /** How far the wall clock was set since the last run. Unit: milliseconds. */
  readonly clockStep: () => number;
  /** How long until somebody starts the server again. Unit: milliseconds. */
  readonly downMs: () => number;
  readonly started: (run: ServerRun) => void;
  readonly ticked: (run: ServerRun, now: number) => void;
  readonly sessionGiven: (terms: SessionTerms, proven: boolean) => void;
}

export class SimServer {
  readonly #parts: ServerWorld;
  run: ServerRun | undefined;
  #offset = 0;

  constructor(parts: ServerWorld) {
    this.#parts = parts;
  }

  start(): void {
    if (this.run !== undefined) return;
    const { world } = this.#parts;
    this.#offset += this.#parts.clockStep();
    try {
      this.run = new ServerRun(this.#parts, EPOCH + this.#offset, () => {
        world.after(0, () => {
          this.kill("at a write");
        });
      });
    } catch (thrown) {
      // a journal that cannot be written when the server starts: systemd tries again
      world.thrown("server does not start", thrown);
      world.after(5000, () => {
        this.start();
      });
      return;
    }
    world.note(`server starts at ${new Date(this.run.now()).toISOString()}`);
    this.#parts.started(this.run);
    this.run.heed();
  }

  /** Dies, and is started again after a while. */
  kill(how: string): void {
    const { run } = this;
    if (run === undefined) return;
    const { world } = this.#parts;
    world.note(`server dies ${how}`);
    this.run = undefined;
    run.die();
    world.after(this.#parts.downMs(), () => {
      this.start();
    });
  }
}

export class ServerRun {
  readonly lab: Lab;
  readonly store: SimStore;
  alive = true;
  /** True time since which writes have succeeded. */
  healthySince: number;
  /** What the boot services answer by. */
  answers = new Map<string, "receiver" | "disk">();
  readonly #parts: ServerWorld;
  readonly #world: World;
  readonly #journal: FaultyJournal;
  readonly #loop: LabLoop;
  readonly #gate: TokenBucket;
  readonly #sessions: Sessions;
  readonly #origin: number;
  readonly #proven = new Set<string>();
  readonly #drafts = new Map<
    string,
    { draft: ImageDraft; running: RunningCapture; pieces: number }
  >();
  #suspendedMs = 0;

  constructor(parts: ServerWorld, origin: number, died: () => void) {
    this.#parts = parts;
    this.#world = parts.world;
    this.store = parts.store;
    this.#origin = origin;
    this.healthySince = parts.world.now;
    this.#journal = new FaultyJournal(parts.openJournal(), this.#fate(died));
    this.#sessions = this.#newSessions();
    this.lab = new Lab(
      {
        inventory: () => parts.inventory,
        journal: this.#journal,
        orderKey,
        bounds: WAIT_BOUNDS,
        sessions: this.#sessions,
        id128: () => this.#world.id128(),
      },
      this.now(),
    );
    this.#gate = new TokenBucket(20, 60, this.now());
    this.#loop = this.#newLoop();
    this.#push();
    this.#tickLater();
  }

  /** The server's clock: milliseconds since 1970; it stands still while the host is suspended. */
  now(): number {
    return Math.floor(this.#origin + this.#world.now - this.#suspendedMs);
  }

  /** A request or a wake-up is served; whatever it throws, the loop is heeded afterwards. */
  async serve<T>(work: (run: ServerRun, now: number) => T | Promise<T>): Promise<T> {
    try {
      return await work(this, this.now());
    } finally {
      this.heed();
    }
  }

  heed(): void {
    if (!this.alive) return;
    this.#world.stir();
    this.#loop.heed();
  }

  /** The host slept: its clock stood still, and nothing was served. */
  suspended(ms: number): void {
    this.#suspendedMs += ms;
  }

  join(request: JoinRequest, now: number): JoinReply {
    if (!this.#gate.take(now)) {
      throw new SituationError("too_many_joins", "Cannot let the node join now", { cure: "" });
    }
    return this.lab.desk.join(request, now);
  }

  async session(visitor: Visitor, order: string, now: number): Promise<SessionTerms> {
    const terms = await this.lab.desk.session(visitor, order, now);
    this.#parts.sessionGiven(terms, this.#proven.has(terms.imageId));
    return terms;
  }

  async capturePiece(token: string, index: number, now: number): Promise<void> {
    const { desk } = this.lab;
    let capture = this.#drafts.get(token);
    if (capture === undefined) {
      const running = desk.beginCapture(desk.visitor(token, now), () => undefined);
      const draft = await this.store.draft(running.name);
      capture = { draft, running, pieces: 0 };
      this.#drafts.set(token, capture);
    }
    if (capture.pieces >= index) return;
    capture.pieces = index;
    if (!desk.captureGoesOn(capture.running, now)) {
      this.captureAbort(token);
      throw new SituationError("order_over", "Cannot take the image: its order has ended", {
        cure: "",
      });
    }
    await capture.draft.append(new Uint8Array(1));
  }

  async captureEnd(token: string, now: number): Promise<void> {
    const capture = this.#drafts.get(token);
    if (capture === undefined) return;
    this.#drafts.delete(token);
    const { running } = capture;
    this.lab.desk.captureGoesOn(running, now);
    running.upload.complete();
    try {
      const { id } = await capture.draft.commit();
      if (this.alive) this.lab.desk.endCapture(running.order, id, this.now());
    } finally {
      running.upload.end();
    }
  }

  captureAbort(token: string): void {
    this.#drafts.get(token)?.running.upload.end();
    this.#drafts.delete(token);
  }

  /** kill -9: memory is gone, senders stop in mid-word. */
  die(): void {
    this.alive = false;
    this.#loop.close();
    this.#journal.kill();
    this.#parts.multicast.vanishAll();
  }

  #fate(died: () => void): JournalFate {
    return {
      atCommit: () => {
        const fate = this.#parts.journalFate();
        if (fate === "full") this.healthySince = this.#world.now;
        return fate;
      },
      died: () => {
        this.alive = false;
        died();
      },
    };
  }

  #newSessions(): Sessions {
    return new Sessions({
      start: (request) => this.#parts.multicast.start(request),
      groups: { first: 1, last: 64 },
      port: 4077,
      symbolBytes: 1408,
      rateBitsPerSecond: undefined,
      id128: () => this.#world.id128().slice(16).repeat(2),
      failed: (image, reason) => {
        if (!this.alive) return;
        void this.serve((_run, now) => {
          this.lab.noteSenderFailed(image, reason, now);
        }).catch(() => undefined); // a full journal: the note is lost, the session's end is not
      },
    });
  }

  #newLoop(): LabLoop {
    return new LabLoop({
      lab: this.lab,
      images: {
        prove: async (reference, signal) => {
          await this.store.prove(reference, signal);
          this.#proven.add(this.store.named(reference.name).id);
        },
      },
      now: () => this.now(),
      enter: (name, bounds) => {
        const { macs, address = "" } = this.#parts.inventory.named(name);
        const node = { name, macs, address, power: this.#parts.powerOf(name) };
        return pxeEnter.make(node, { driver: "pxe" }).enter(bounds);
      },
      wantedChanged: () => {
        this.#push();
      },
      journalChanged: () => undefined,
      failed: (thrown) => {
        if (this.alive) this.#world.thrown("a step of the lab failed", thrown);
      },
    });
  }

  #push(): void {
    const { inventory } = this.#parts;
    const table = bootTableOf(inventory, (node) => this.lab.wantsReceiver(node), ASSETS);
    this.answers = new Map([...table.nodes.values()].map(({ name, answer }) => [name, answer]));
  }

  /** As LabLoop.wake does, but in virtual time. */
  #tickLater(): void {
    const leftMs = this.lab.nextWakeup() - this.now();
    this.#world.after(Math.min(Math.max(leftMs, TICK_MIN_MS), TICK_MAX_MS), () => {
      if (!this.alive) return;
      this.#tick();
      this.heed();
      this.#afterTick();
    });
  }

  #tick(): void {
    try {
      this.lab.tick(this.now());
    } catch (thrown) {
      if (this.alive) this.#world.thrown("a tick failed", thrown);
    }
  }

  #afterTick(): void {
    if (!this.alive) return;
    this.#parts.ticked(this, this.now());
    this.#tickLater();
  }
}
