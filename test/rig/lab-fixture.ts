/**
 * A lab whose clock is the test: the real decisions over a real journal and store. The test also
 * plays the sender.
 */
import { generateKeyPairSync } from "node:crypto";
import path from "node:path";
import type { JoinReply } from "../../shared/control/node-api.ts";
import { LoadRequest, SaveRequest } from "../../shared/control/operator-api.ts";
import type { Event } from "../../shared/control/event.ts";
import type { Phase, VerdictCode } from "../../shared/control/verdict.ts";
import type { Journal } from "../../server/jobs/journal.ts";
import { Inventory } from "../../server/inventory/inventory.ts";
import { parseConfig } from "./parse-config.ts";
import { NODE_DRIVERS } from "../../server/node-drivers.io.ts";
import { openJournal } from "../../server/jobs/journal-sqlite.io.ts";
import { Lab } from "../../server/jobs/lab.ts";
import type { Visitor } from "../../server/jobs/node-desk.ts";
import { Sessions } from "../../server/sessions/sessions.ts";
import type { SenderHandle, SendRequest } from "../../server/sessions/sessions.ts";
import { type JournalDisk, MemoryJournal } from "./memory-journal.ts";
import { DISK, configText, freshFolder, orderIn, verdictOf } from "./lab-kit.ts";
import { nextId } from "./seeded-bytes.ts";

/** A sender of the test. */
export interface TestSender extends SenderHandle {
  readonly request: SendRequest;
  readonly stopped: ("told" | "silently")[];
  /** What it was told to expect, in order. */
  readonly expected: number[];
  beginEnd(): void;
  finish(fault?: string): void;
}

/** Gives the handle of a sender that sends nothing. */
export function testSender(request: SendRequest): TestSender {
  const ended = Promise.withResolvers<string | undefined>();
  const ending = Promise.withResolvers<undefined>();
  const stopped: TestSender["stopped"] = [];
  const expected: number[] = [];
  return {
    request,
    stopped,
    sender: { address: "127.0.0.1", port: 9 },
    chunkCount: 3,
    expected,
    expect: (members) => {
      expected.push(members);
    },
    ending: ending.promise,
    ended: ended.promise,
    stop: () => {
      stopped.push("told");
      ended.resolve(undefined);
    },
    vanish: () => {
      stopped.push("silently");
      ended.resolve(undefined);
    },
    beginEnd: () => {
      ending.resolve(undefined);
    },
    finish: (fault) => {
      ended.resolve(fault);
    },
  };
}

/** All images of these tests have equal content, in files of their own. */
const IMAGE_ID = "a".repeat(64);
/** Longest waits of orders in these tests. Unit: milliseconds. */
export const BOUNDS = { bootMs: 600_000, silenceMs: 30_000, returnMs: 180_000 };

/** The principal of these tests. */
const ROOT = { kind: "local", uid: 0, name: "root" } as const;

/** A lab with its clock. */
export class TestLab {
  readonly folder: string;
  readonly senders: TestSender[] = [];
  now = Date.parse("2026-01-01T00:00:00.000Z");
  journal: Journal;
  lab: Lab;
  inventory: Inventory = new Inventory([], {});
  readonly #key = generateKeyPairSync("ed25519").privateKey;

  readonly #openJournal: () => Journal;

  private constructor(folder: string, open: () => Journal) {
    this.folder = folder;
    this.#openJournal = open;
    this.journal = open();
    this.lab = this.#newLab();
  }

  /** With a disk, the journal is in memory and is kept on it; without one, it is SQLite's. */
  static make(disk?: JournalDisk): Promise<TestLab> {
    const folder = freshFolder();
    const state = path.join(folder, "state");
    return Promise.resolve(
      disk === undefined
        ? new TestLab(folder, () => openJournal(state))
        : TestLab.over(disk, folder),
    );
  }

  /** A lab over a journal in memory and the folder of another lab. */
  static over(disk: JournalDisk, folder: string): TestLab {
    return new TestLab(folder, () => new MemoryJournal(disk));
  }

  /** Kills the server and starts it again on the same folder, perhaps with another huck.yaml. */
  restart(edited: (config: string) => string = (config) => config): void {
    this.journal.close();
    this.journal = this.#openJournal();
    this.lab = this.#newLab(edited(configText(1)));
  }

  /** Begins a load whose image is proven. */
  load(nodes: string[], more: object = {}): string {
    const job = this.loadUnproven(nodes, more);
    this.lab.noteProof(job, undefined, this.now);
    return job;
  }

  /** Begins a load whose image is not proven yet. */
  loadUnproven(nodes: string[], more: object = {}): string {
    const request = LoadRequest.parse({ image: "ubuntu", nodes, ...more });
    const image = { id: IMAGE_ID, file: `the file of ${request.image}` };
    return this.lab.beginLoad(request, image, ROOT, this.now).job;
  }

  save(node: string, name: string, taken = false, more: object = {}): string {
    return this.lab.beginSave(SaveRequest.parse({ node, name, ...more }), taken, ROOT, this.now)
      .job;
  }

  /** Boots a node and joins. */
  join(
    name: string,
    disks = [DISK],
  ): { visitor: Visitor; token: string; order: string; reply: JoinReply } {
    const { mac, token } = this.lab.mintFor(name, this.now);
    const nonce = nextId().toString("hex");
    const identity = { token, nonce, macs: [mac] };
    const facts = { interfaces: [], disks, memoryBytes: 1, version: "0", features: [] };
    const reply = this.lab.desk.join({ ...identity, ...facts }, this.now);
    const visitor = this.lab.desk.visitor(token, this.now);
    return { visitor, token, order: orderIn(reply)?.id ?? "none", reply };
  }

  report(visitor: Visitor, order: string, phase: Phase): boolean {
    const body = {
      order,
      phase,
      detail: "",
      doneBytes: 1,
      totalBytes: 2,
      bytesPerSecond: 1,
      loss: 0,
    };
    return this.lab.desk.report(visitor, body, this.now).abort;
  }

  end(visitor: Visitor, order: string, code: VerdictCode): void {
    this.lab.desk.verdict(visitor, { order, verdict: verdictOf(code) }, this.now);
  }

  /** Lets time pass in steps of a second. */
  wait(seconds: number): void {
    for (let second = 0; second < seconds; second += 1) {
      this.now += 1000;
      this.lab.tick(this.now);
    }
  }

  events(job: string): readonly Event[] {
    return this.journal.eventsAfter(job, 0, 10_000);
  }

  verdicts(job: string): Record<string, string> {
    const { nodes } = this.lab.jobStatus(job);
    return Object.fromEntries(nodes.map(({ node, verdict }) => [node, verdict?.code ?? "none"]));
  }

  /** Changes huck.yaml and has it read again. */
  reload(edited: (config: string) => string): ReturnType<Lab["inventoryChanged"]> {
    this.inventory = this.#parsed(edited(configText(1)));
    return this.lab.inventoryChanged(this.now);
  }

  #parsed(config: string): Inventory {
    return parseConfig(config, path.join(this.folder, "huck.yaml"), NODE_DRIVERS).inventory;
  }

  #newLab(config = configText(1)): Lab {
    this.inventory = this.#parsed(config);
    const id128 = (): string => nextId().toString("hex");
    const sessions = new Sessions({
      start: (request) => {
        const sender = testSender(request);
        this.senders.push(sender);
        return Promise.resolve(sender);
      },
      groups: { first: 1, last: 9 },
      port: 4077,
      symbolBytes: 1408,
      rateBitsPerSecond: undefined,
      id128,
      failed: (image, reason) => {
        this.lab.noteSenderFailed(image, reason, this.now);
      },
    });
    return new Lab(
      {
        inventory: () => this.inventory,
        journal: this.journal,
        orderKey: this.#key,
        bounds: BOUNDS,
        sessions,
        id128,
      },
      this.now,
    );
  }
}
