/**
 * A node: power, firmware and disks of the simulation, and the production receiver (visit.ts) once
 * it boots. A boot that ends, by whatever, never hears of its promises again.
 */
import type { DiskDescription } from "../../../shared/control/disk-rule.ts";
import { FEATURES } from "../../../shared/control/feature.ts";
import { Order } from "../../../shared/control/order.ts";
import type { LoadOrder, SignedOrder } from "../../../shared/control/order.ts";
import { visit } from "../../../receiver/visit.ts";
import type { Host } from "../../../receiver/visit.ts";
import type { PowerDriver, PowerState } from "../../../server/power/power-driver.ts";
import { SituationError } from "../../../shared/core/errors.ts";
import type { SimDisk } from "./disk.ts";
import { SimDiskWork } from "./disk-work.ts";
import type { SimImage, SimStore } from "./images.ts";
import { simLink } from "./link.ts";
import { SimReception } from "./sender.ts";
import type { Multicast } from "./sender.ts";
import { PUBLIC_KEY } from "./server.ts";
import type { SimServer } from "./server.ts";
import type { Weather } from "./weather.ts";
import type { World } from "./world.ts";

/** What is the same for all nodes. */
export interface SimRoom {
  readonly world: World;
  readonly weather: Weather;
  readonly server: SimServer;
  readonly multicast: Multicast;
  readonly store: SimStore;
  /** Faults end here, so that what was asked can end too. */
  readonly faultsUntil: number;
  readonly closes: (boot: SimBoot, order: LoadOrder, disk: SimDisk, image: SimImage) => void;
  readonly cycles: (node: SimNode) => void;
  readonly refused: (boot: SimBoot, code: string) => void;
}

export interface NodeTraits {
  readonly name: string;
  readonly mac: string;
  readonly disks: readonly SimDisk[];
  readonly manual: boolean;
  readonly deaf: boolean;
  readonly neverBoots: boolean;
  readonly mad: boolean;
  readonly byHand: boolean;
  /** Longest time between two chunks. Unit: milliseconds. */
  readonly chunkMs: number;
}

/** One time of being switched on. */
export class SimBoot {
  readonly node: SimNode;
  readonly number: number;
  token = "";
  /** Order that it was given, once it joined. */
  order: string | undefined;
  mintedAt = 0;
  /** The receiver works: it has joined, and not left. */
  visiting = false;
  alive = true;
  /** When the server first asked it to stop. */
  stopAskedAt = Infinity;

  constructor(node: SimNode, number: number) {
    this.node = node;
    this.number = number;
  }

  get label(): string {
    return `${this.node.name}#${this.number}`;
  }

  /** Resolves for a living boot only. */
  sleep(ms: number): Promise<void> {
    const { world } = this.node.room;
    const { promise, resolve } = world.deferred<undefined>();
    world.after(ms, () => {
      if (this.alive) resolve(undefined);
    });
    return promise;
  }
}

export class SimNode {
  readonly room: SimRoom;
  readonly traits: NodeTraits;
  readonly #world: World;
  boot: SimBoot | undefined;
  #boots = 0;

  constructor(room: SimRoom, traits: NodeTraits) {
    this.room = room;
    this.traits = traits;
    this.#world = room.world;
  }

  get name(): string {
    return this.traits.name;
  }

  /** The last boot that there was. */
  get bootCount(): number {
    return this.#boots;
  }

  powerOff(): void {
    if (this.boot === undefined) return;
    this.boot.alive = false;
    this.boot = undefined;
    for (const disk of this.traits.disks) disk.losePower(this.#world);
  }

  powerOn(): void {
    if (this.boot !== undefined) return;
    this.#boots += 1;
    const boot = new SimBoot(this, this.#boots);
    this.boot = boot;
    this.#world.note(`${boot.label} is on`);
    this.#fate(boot);
    void this.#firmware(boot);
  }

  restart(): void {
    this.powerOff();
    this.powerOn();
  }

  /** The node's power as the server's drivers see it. */
  power(): PowerDriver {
    const { weather } = this.room;
    const state = (): PowerState => (this.boot === undefined ? "off" : "on");
    const command = async (timeoutMs: number, act: () => void): Promise<PowerState> => {
      this.room.cycles(this);
      await this.#world.sleep(this.#world.between(200, 8000));
      if (this.#world.chance(weather.powerFails)) {
        throw new SituationError("power_failed", "Cannot switch: no answer", { cure: "Look." });
      }
      if (this.#world.chance(weather.powerLies)) return "on";
      if (timeoutMs > 0) act();
      return state();
    };
    return {
      kind: this.traits.manual ? "manual" : "command",
      state: () => Promise.resolve({ power: state(), reason: "", failed: false }),
      on: ({ timeoutMs }) => command(timeoutMs, this.powerOn.bind(this)),
      off: (_mode, { timeoutMs }) => command(timeoutMs, this.powerOff.bind(this)),
      cycle: ({ timeoutMs }) => command(timeoutMs, this.restart.bind(this)),
    };
  }

  /** What will happen to a boot, if it lives so long. */
  #fate(boot: SimBoot): void {
    const { weather, faultsUntil } = this.room;
    if (this.#world.now > faultsUntil) return;
    const later = (share: number, act: () => void): void => {
      if (!this.#world.chance(share)) return;
      this.#world.after(this.#world.between(1000, 90_000), () => {
        if (boot.alive) act();
      });
    };
    later(weather.reboots, () => {
      this.#world.note(`${boot.label} restarts by itself`);
      this.restart();
    });
    later(weather.powerCuts, () => {
      this.#world.note(`${boot.label} loses power`);
      this.powerOff();
      if (this.#world.chance(0.7)) {
        this.#world.after(this.#world.between(1000, 240_000), () => {
          this.powerOn();
        });
      }
    });
    later(weather.hangs, () => {
      this.#world.note(`${boot.label} hangs`);
      boot.alive = false;
    });
  }

  /** Firmware asks first, and asks again for its script; without an answer it starts its disk. */
  async #firmware(boot: SimBoot): Promise<void> {
    await boot.sleep(this.#world.between(2000, 15_000));
    if (this.traits.neverBoots || this.#answer() !== "receiver") {
      this.#startDisk(boot);
      return;
    }
    const scripts = this.#world.chance(0.1) ? 2 : 1;
    for (let script = 0; script < scripts; script += 1) {
      await boot.sleep(this.#world.between(500, 4000));
      if (!(await this.#fetchScript(boot))) {
        this.#startDisk(boot);
        return;
      }
    }
    await boot.sleep(this.#world.between(3000, 20_000));
    await (this.traits.mad ? this.#madVisit(boot) : this.#visit(boot));
  }

  #answer(): "receiver" | "disk" {
    if (this.traits.byHand && this.#world.now < this.room.faultsUntil) return "receiver";
    return this.room.server.run?.answers.get(this.name) ?? "disk";
  }

  async #fetchScript(boot: SimBoot): Promise<boolean> {
    const { run } = this.room.server;
    if (run === undefined || this.#answer() === "disk") return false;
    try {
      const granted = await run.serve(({ lab }, now) =>
        this.traits.byHand ? lab.mintFor(this.name, now) : lab.desk.mintToken(this.traits.mac, now),
      );
      if (granted === undefined || !run.alive || !boot.alive) return false;
      boot.token = granted.token;
      boot.mintedAt = run.now();
      this.#world.note(`${boot.label} has its script`);
      return true;
    } catch {
      return false; // the script server answers 500: firmware goes on to the disk
    }
  }

  /** A disk that does not boot leaves firmware at a prompt; some try all devices again. */
  #startDisk(boot: SimBoot): void {
    const boots = this.traits.disks.some((disk) => disk.boots);
    this.#world.note(`${boot.label} ${boots ? "starts its disk" : "finds nothing to start"}`);
    if (boots) return;
    this.#world.after(this.#world.between(20_000, 60_000), () => {
      if (boot.alive && this.#world.now < this.room.faultsUntil) this.restart();
    });
  }

  async #visit(boot: SimBoot): Promise<void> {
    try {
      const { leave } = await visit(this.#host(boot));
      boot.visiting = false;
      this.#world.note(`${boot.label} leaves: ${leave}`);
      if (leave === "stay") return;
      await boot.sleep(500);
      if (leave === "poweroff") this.powerOff();
      else this.restart();
    } catch (error) {
      boot.visiting = false;
      this.#world.note(`${boot.label} stops: ${error instanceof Error ? error.message : "?"}`);
      await boot.sleep(10_000);
      this.restart();
    }
  }

  /** A receiver that is not ours, or broken: it claims what it did not do. */
  async #madVisit(boot: SimBoot): Promise<void> {
    const { link, join } = this.#host(boot);
    try {
      const { order } = await link.join(join);
      if (order === null) return;
      const verdict = {
        code: "ok",
        phase: "done",
        reason: "",
        cure: "",
        diskUntouched: false,
        incomplete: false,
        bytesWritten: 1,
        at: "2026-01-01T00:00:00.000Z",
      } as const;
      await boot.sleep(1000);
      await link.verdict({ order: idIn(order), verdict });
    } catch {
      // the server did not answer a mad node: nothing to tell
    } finally {
      boot.visiting = false;
    }
  }

  #host(boot: SimBoot): Host {
    const { room } = this;
    const world = this.#world;
    const link = simLink(
      room.server,
      {
        world,
        token: boot.token,
        label: boot.label,
        get alive() {
          return boot.alive;
        },
        sleep: (ms) => boot.sleep(ms),
        refused: (code) => {
          room.refused(boot, code);
        },
      },
      room.weather,
    );
    const disks = this.traits.disks.map(({ description }) => description);
    return {
      link: {
        ...link,
        join: async (request) => {
          const reply = await link.join(request);
          boot.order = reply.order === null ? undefined : idIn(reply.order);
          boot.visiting = reply.order !== null;
          return reply;
        },
        status: async (report) => {
          const reply = await link.status(report);
          if (reply.abort) boot.stopAskedAt = Math.min(boot.stopAskedAt, world.now);
          return reply;
        },
      },
      publicKey: PUBLIC_KEY,
      join: joinRequest(boot, this.traits.mac, disks),
      disks,
      now: () => world.now,
      diskWork: () =>
        new SimDiskWork({
          world,
          node: this.name,
          boot: boot.number,
          sleep: (ms) => boot.sleep(ms),
          disks: () => this.traits.disks,
          closes: (order, disk, image) => {
            if (!room.multicast.flows(image.name)) {
              world.breaks(
                "P16",
                `${boot.label}: clears its table while no chunk is there to write`,
              );
            }
            room.closes(boot, order, disk, image);
          },
          writes: () => {
            if (world.now - boot.stopAskedAt <= STOP_WITHIN_MS) return;
            world.breaks("P16", `${boot.label}: writes on after it was asked to stop`);
          },
          imageById: (id) => [...room.store.images.values()].find((image) => image.id === id),
        }),
      startReception: (start) =>
        new SimReception(start, {
          world,
          multicast: room.multicast,
          store: room.store,
          deaf: this.traits.deaf,
          chunkMs: this.traits.chunkMs,
          sleep: (ms) => boot.sleep(ms),
        }),
      print: () => undefined,
      every: (beat) => this.#every(boot, beat),
      onStop: () => undefined,
    };
  }

  #every(boot: SimBoot, beat: () => void): () => void {
    let ended = false;
    const again = (): void => {
      this.#world.after(1000, () => {
        if (ended || !boot.alive) return;
        this.#world.stir();
        beat();
        again();
      });
    };
    again();
    return () => {
      ended = true;
    };
  }
}

/** One chunk may be on its way to the disk when the node hears that it shall stop. */
const STOP_WITHIN_MS = 1000;

/** Of an order that nobody has checked yet. */
function idIn({ order }: SignedOrder): string {
  return Order.parse(JSON.parse(order)).id;
}

function joinRequest(boot: SimBoot, mac: string, disks: readonly DiskDescription[]): Host["join"] {
  const { world } = boot.node.room;
  return {
    token: boot.token,
    nonce: world.id128(),
    macs: [mac],
    interfaces: [],
    disks: [...disks],
    memoryBytes: 1 << 30,
    version: "sim",
    features: [...FEATURES],
  };
}
