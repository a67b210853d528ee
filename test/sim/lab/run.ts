/**
 * One run of a whole lab under a seed: 40 nodes, a server that may die at any write, operators, and
 * a judge. The same seed gives the same run, byte for byte of its trace (P12).
 */
import type { DiskDescription } from "../../../shared/control/disk-rule.ts";
import { Inventory } from "../../../server/inventory/inventory.ts";
import type { NodeEntry } from "../../../server/inventory/inventory.ts";
import { SLOTS, SimDisk } from "./disk.ts";
import { SimStore } from "./images.ts";
import { Judge } from "./judge.ts";
import { MemoryMedium } from "./medium.ts";
import type { Medium } from "./medium.ts";
import { SimNode } from "./node.ts";
import type { NodeTraits, SimRoom } from "./node.ts";
import { Operators } from "./operators.ts";
import { Multicast } from "./sender.ts";
import { SimServer } from "./server.ts";
import { weatherOf } from "./weather.ts";
import type { Weather } from "./weather.ts";
import { World } from "./world.ts";

const NODES = 40;
/** Faults and new jobs come for so long at most. */
const FAULTS_MAX_MS = 20 * 60_000;
/** Whatever still goes on now waits for ever: twice the longest deadline. */
const RUN_MAX_MS = 4 * 3_600_000;
/** Once full, the journal's disk stays so for this long. */
const FULL_MS = 20_000;
/** What is over stays over for so long before it is judged. */
const QUIET_MS = 300_000;

export interface LabResult {
  readonly seed: number;
  readonly broken: readonly string[];
  readonly digest: string;
  readonly trace: readonly string[];
  readonly jobs: number;
  readonly endedAtMs: number;
}

export interface RunOptions {
  /** Where the journal lies; default: in memory. */
  readonly medium?: Medium;
}

export async function runLab(seed: number, options: RunOptions = {}): Promise<LabResult> {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0; // refusals are errors, and there are many
  try {
    return await new LabRun(seed, options).run();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

class LabRun {
  readonly #seed: number;
  readonly #world: World;
  readonly #weather: Weather;
  readonly #store: SimStore;
  readonly #nodes: SimNode[] = [];
  readonly #server: SimServer;
  readonly #operators: Operators;
  readonly #judge: Judge;
  readonly #medium: Medium;
  readonly #faultsUntil: number;
  #commits = 0;
  #crashAt: number;
  #toBegin = 0;

  constructor(seed: number, options: RunOptions) {
    this.#seed = seed;
    this.#world = new World(seed);
    const world = this.#world;
    this.#weather = weatherOf(world);
    this.#faultsUntil = world.between(60_000, FAULTS_MAX_MS);
    this.#store = new SimStore(world);
    this.#medium = options.medium ?? new MemoryMedium();
    const multicast = new Multicast(world, this.#store, this.#weather.senderFaults);
    const traits = Array.from({ length: NODES }, (_, index) => this.#traits(index));
    this.#server = this.#newServer(multicast, traits);
    this.#operators = new Operators(world, this.#server, (followed, event) => {
      this.#judge.told(followed, event);
    });
    this.#judge = new Judge({
      world,
      store: this.#store,
      nodes: () => this.#nodes,
      medium: this.#medium,
      outageMs: () => this.#outageMs(),
      clockSteps: this.#weather.clockStepMs > 0,
    });
    const room = this.#room(multicast);
    for (const one of traits) this.#nodes.push(new SimNode(room, one));
    this.#crashAt = this.#nextCrash();
  }

  async run(): Promise<LabResult> {
    const world = this.#world;
    this.#plan();
    this.#server.start();
    let overSince = Infinity;
    await world.run(RUN_MAX_MS, () => {
      if (!this.#isOver()) overSince = Infinity;
      else if (overSince === Infinity) overSince = world.now;
      return world.now - overSince > QUIET_MS;
    });
    this.#judge.finish(this.#server.run, this.#operators.followed);
    const digest = world.digest();
    return {
      seed: this.#seed,
      broken: world.broken,
      digest,
      trace: world.trace,
      jobs: this.#operators.followed.length,
      endedAtMs: world.now,
    };
  }

  #isOver(): boolean {
    const { run } = this.#server;
    if (run === undefined || this.#toBegin > 0 || this.#operators.pending > 0) return false;
    if (this.#world.now < this.#faultsUntil) return false;
    if (run.lab.nextWakeup() < Infinity) return false;
    return this.#nodes.every(({ boot }) => boot?.alive !== true || !boot.visiting);
  }

  #traits(index: number): NodeTraits {
    const world = this.#world;
    const weather = this.#weather;
    const number = String(index + 1).padStart(2, "0");
    const count = world.chance(0.2) ? 2 : 1;
    const disks = Array.from({ length: count }, (_, disk) => {
      const serial = `S${number}${disk === 0 ? "" : "b"}`;
      const description: DiskDescription = {
        path: `/dev/sd${"ab"[disk] ?? "c"}`,
        sizeBytes: SLOTS << 20,
        sectorBytes: 512,
        serial,
        wwn: "",
        model: "SIM",
        bus: "ata",
        rotational: false,
        removable: false,
        inUse: [],
      };
      return new SimDisk(description, world.chance(weather.lyingDisks));
    });
    return {
      name: `pc${number}`,
      mac: `02:00:00:00:00:${(index + 1).toString(16).padStart(2, "0")}`,
      disks,
      manual: world.chance(weather.manualPower),
      deaf: world.chance(weather.deaf),
      neverBoots: world.chance(weather.neverBoots),
      mad: world.chance(weather.mad),
      byHand: world.chance(weather.byHand),
      chunkMs: world.chance(weather.slowDisks) ? 100_000 : 2500,
    };
  }

  /** Most rules name the first disk; some name none, or both. */
  #entry({ name, mac }: NodeTraits, index: number): NodeEntry {
    const world = this.#world;
    const serial = `S${String(index + 1).padStart(2, "0")}`;
    const rules = world.chance(0.05)
      ? [{ serial: "none" }]
      : world.chance(0.05)
        ? [{}]
        : [{ serial }];
    const reimage = world.chance(0.1) ? "confirm" : "free";
    const leave = world.pick(["reboot", "reboot", "poweroff", "stay"] as const);
    return { name, macs: [mac], disk: rules, reimage, leave };
  }

  #newServer(multicast: Multicast, traits: readonly NodeTraits[]): SimServer {
    const world = this.#world;
    const weather = this.#weather;
    const stormy = (): boolean => world.now < this.#faultsUntil;
    return new SimServer({
      world,
      store: this.#store,
      multicast,
      inventory: new Inventory(
        traits.map((one, index) => this.#entry(one, index)),
        {},
      ),
      openJournal: () => this.#medium.open(),
      powerOf: (name) => this.#node(name).power(),
      journalFate: () => {
        this.#commits += 1;
        if (!stormy()) return "well";
        if (this.#commits >= this.#crashAt) {
          this.#crashAt = this.#nextCrash();
          return world.chance(0.5) ? "lost" : "kept";
        }
        return this.#isFull() && world.chance(0.9) ? "full" : "well";
      },
      clockStep: () => {
        const { clockStepMs } = weather;
        return clockStepMs === 0 ? 0 : world.between(-clockStepMs, clockStepMs);
      },
      downMs: () => (world.chance(0.2) ? world.between(30_000, 200_000) : world.between(500, 8000)),
      started: (run) => {
        this.#operators.reconnect(run);
      },
      ticked: (run, now) => {
        this.#judge.ticked(run, now);
      },
      sessionGiven: ({ imageId }, proven) => {
        this.#judge.sessionGiven(imageId, proven);
      },
    });
  }

  /** The disk under the journal is full for some seconds now and then. */
  #isFull(window = Math.floor(this.#world.now / FULL_MS)): boolean {
    const { fullShare } = this.#weather;
    if (fullShare === 0) return false;
    return (Math.imul(window + this.#seed, 0x9e3779b1) >>> 0) / 2 ** 32 < fullShare;
  }

  /** A deadline moves by the time since the last tick that went well: at most twice the outage. */
  #outageMs(): number {
    const windows = Math.ceil(Math.min(this.#world.now, this.#faultsUntil) / FULL_MS);
    const full = Array.from({ length: windows }, (_, window) => this.#isFull(window));
    return full.filter(Boolean).length * 2 * FULL_MS;
  }

  #nextCrash(): number {
    const { crashEvery } = this.#weather;
    if (crashEvery === 0) return Infinity;
    return this.#commits + 1 + this.#world.random.below(2 * crashEvery);
  }

  #room(multicast: Multicast): SimRoom {
    return {
      world: this.#world,
      weather: this.#weather,
      server: this.#server,
      multicast,
      store: this.#store,
      faultsUntil: this.#faultsUntil,
      closes: (boot, order, disk, image) => {
        this.#judge.closes(boot, order, disk, image);
      },
      cycles: (node) => {
        this.#judge.cycles(node);
      },
      refused: (boot, code) => {
        const { run } = this.#server;
        if (run !== undefined) this.#judge.refused(boot, code, run.now());
      },
    };
  }

  #node(name: string): SimNode {
    const node = this.#nodes.find((one) => one.name === name);
    if (node === undefined) throw new Error(`no node ${name}`);
    return node;
  }

  #at(delayMs: number, act: () => void): void {
    this.#toBegin += 1;
    this.#world.after(delayMs, () => {
      this.#toBegin -= 1;
      act();
    });
  }

  /** Images, nodes that are on, and what operators will do. */
  #plan(): void {
    const world = this.#world;
    for (let image = 0; image < 1 + world.random.below(3); image += 1) {
      const damaged = world.chance(this.#weather.damagedImages);
      this.#store.add(`image${image}`, world.between(3, SLOTS), damaged);
    }
    for (const node of this.#nodes) if (world.chance(0.4)) node.powerOn();
    const jobs = 1 + world.random.below(4);
    for (let job = 0; job < jobs; job += 1) {
      const at = job === 0 ? 1000 : world.between(1000, this.#faultsUntil);
      this.#at(at, () => {
        this.#beginJob();
      });
    }
    this.#planPeople();
    for (let restart = 0; restart < this.#weather.restarts; restart += 1) {
      this.#at(world.between(1000, this.#faultsUntil), () => {
        this.#server.kill("by its operator");
      });
    }
    if (this.#weather.suspends) {
      this.#at(world.between(1000, this.#faultsUntil), () => {
        this.#server.run?.suspended(world.between(1000, 300_000));
      });
    }
  }

  /** Somebody walks through the room and restarts nodes: those of manual power first of all. */
  #planPeople(): void {
    const world = this.#world;
    for (const node of this.#nodes) {
      if (!node.traits.manual && !world.chance(0.05)) continue;
      this.#at(world.between(5000, 400_000), () => {
        if (node.boot?.visiting !== true) node.restart();
      });
    }
  }

  #beginJob(): void {
    const world = this.#world;
    const [...images] = this.#store.images.values();
    const count = world.chance(0.03) ? NODES : 1 + world.random.below(world.pick([2, 4, 12]));
    const first = world.random.below(NODES - count + 1);
    const names = this.#nodes.slice(first, first + count).map(({ name }) => name);
    const common = {
      confirmed: world.chance(0.9),
      deadlineSeconds: world.pick([60, 300, 900, 1800]),
      ...(world.chance(0.3) ? { leave: world.pick(["reboot", "poweroff", "stay"]) } : {}),
    };
    if (world.chance(0.2)) {
      this.#operators.save(names[0] ?? "pc01", `saved${world.random.below(3)}`, common);
    } else {
      const verify = world.pick(["flush", "sample", "full"]);
      const gatherSeconds = common.deadlineSeconds === 900 ? 60 : 0;
      const more = { verify, delta: world.chance(0.8), gatherSeconds, ...common };
      this.#operators.load(world.pick(images).name, names, more);
    }
    if (!world.chance(0.3)) return;
    this.#at(world.between(100, 120_000), () => {
      const [...jobs] = this.#operators.followed;
      if (jobs.length > 0) this.#operators.abort(world.pick(jobs));
    });
  }
}
