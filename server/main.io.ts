/**
 * The server: connects store, journal, boot services, APIs and sessions with each other, and closes
 * them again in order.
 *
 * The parts do not know each other; this file shows from top to bottom how they work together.
 * local/serve.io.ts is the command that runs it.
 */
import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import { FEATURES } from "../shared/control/feature.ts";
import { principalText } from "../shared/control/principal.ts";
import type { ReloadReply, ServerStatus } from "../shared/control/operator-api.ts";
import type { ImageStore } from "../shared/image/store.ts";
import { SituationError, codeOf, messageOf } from "../shared/core/errors.ts";
import { openPinger } from "../shared/linux/icmp.io.ts";
import type { Pinger } from "../shared/linux/icmp.io.ts";
import { listenForNodes, listenForOperators } from "./api/api-listener.io.ts";
import type { Listening, ListenerHooks } from "./api/api-listener.io.ts";
import { NodeProber } from "./api/node-prober.ts";
import { ipv4ToNumber } from "./boot/addresses.ts";
import type { BootGrant } from "./boot/entry.ts";
import { bootSentence } from "./boot/progress.ts";
import { LogLimit } from "./log-limit.ts";
import { serverChanges } from "./config.ts";
import type { Config } from "./config.ts";
import { inventoryChanges } from "./inventory/inventory.ts";
import type { Inventory } from "./inventory/inventory.ts";
import type { PowerDriver } from "./power/power-driver.ts";
import { powerDriver } from "./power/power-drivers.io.ts";
import type { InterfaceAddress } from "../shared/linux/interfaces.io.ts";
import { labAddress, startLabBoot } from "./enter/lab-boot.io.ts";
import type { LabBoot } from "./enter/lab-boot.io.ts";
import { enterDriver } from "./enter/enter-drivers.io.ts";
import { openJournal } from "./jobs/journal-sqlite.io.ts";
import { openOrderKey } from "./jobs/order-key.io.ts";
import type { OrderKey } from "./jobs/order-key.io.ts";
import { Lab } from "./jobs/lab.ts";
import { jobLine } from "./jobs/job-line.ts";
import { LabLoop, steadyClock } from "./jobs/lab-loop.io.ts";
import { Reloads } from "./reloads.ts";
import { senderStarter } from "./sessions/sender-start.io.ts";
import { Sessions } from "./sessions/sessions.ts";
import { openFolderStore } from "./store/folder-store.io.ts";

export interface ServerParts {
  readonly config: Config;
  /** Reads the file of `config` again; rejects if it is refused. */
  readonly reread: () => Promise<Config>;
  readonly version: string;
  readonly log: Logger;
}

/** A running server. */
export interface RunningServer {
  /** Base URL of the node API. */
  readonly nodeUrl: string;
  /** Path of the operator API's socket. */
  readonly socket: string;
  /** What an operator should know about this server, one sentence each. */
  readonly notes: readonly string[];
  /**
   * Reads huck.yaml again and replaces the inventory. A file that is refused changes nothing. Calls
   * that come while a reload runs share the next one, and its very promise.
   *
   * @throws SituationError `bad_config`, `no_config` or `server_stops`.
   */
  reload(): Promise<ReloadReply>;
  /** Ends all parts. Running jobs stay in the journal and go on when the server starts again. */
  close(): Promise<void>;
}

/**
 * Starts the server.
 *
 * @throws SituationError with its cure if a port, folder or address cannot be had; then nothing is
 *   left open.
 */
export async function startServer(parts: ServerParts): Promise<RunningServer> {
  const closers: Closer[] = [];
  try {
    return await new Wiring(parts, closers).start();
  } catch (thrown) {
    await closeAll(closers);
    throw thrown;
  }
}

type Closer = () => Promise<void> | void;

class Wiring {
  readonly #parts: ServerParts;
  readonly #closers: Closer[];
  readonly #now = steadyClock();
  readonly #logLimit = new LogLimit(performance.now());
  readonly #address: InterfaceAddress;
  readonly #key: OrderKey;
  readonly #images: ImageStore;
  readonly #sessions: Sessions;
  readonly #lab: Lab;
  readonly #loop: LabLoop;
  readonly #notes: string[] = [];
  readonly #power = new Map<string, PowerDriver>();
  readonly #reloads = new Reloads(() => this.#reload());
  #boot: LabBoot | undefined;
  #inventory: Inventory;
  #closed = false;

  constructor(parts: ServerParts, closers: Closer[]) {
    this.#parts = parts;
    this.#closers = closers;
    const { server } = parts.config;
    this.#inventory = parts.config.inventory;
    this.#address = labAddress(server.address ?? server.interface ?? "");
    // First of all: its lock refuses a second server, which then makes and changes nothing.
    const journal = openJournal(server.state);
    closers.push(() => {
      journal.close();
    });
    this.#key = openOrderKey(server.state);
    this.#notes.push(...this.#key.notes);
    this.#images = openFolderStore(server.store, { keepSummaries: true });
    closers.push(() => this.#images.close());
    this.#sessions = this.#newSessions();
    this.#lab = new Lab(
      {
        inventory: () => this.#inventory,
        journal,
        orderKey: this.#key.privateKey,
        bounds: {
          bootMs: server.bootSeconds * 1000,
          silenceMs: server.silenceSeconds * 1000,
          returnMs: server.returnSeconds * 1000,
        },
        sessions: this.#sessions,
        id128,
        told: (event) => {
          const line = jobLine(event);
          if (line === undefined) return;
          this.#parts.log[line.level]({ job: event.job, event: event.kind }, line.text);
        },
      },
      this.#now(),
    );
    this.#loop = new LabLoop({
      lab: this.#lab,
      images: this.#images,
      now: this.#now,
      enter: (node, bounds) => {
        const { name, macs, address = "", enter } = this.#inventory.named(node);
        const power = this.#powerOf(name);
        return enterDriver({ name, macs, address, power }, enter).enter(bounds);
      },
      wantedChanged: () => this.#boot?.update(),
      failed: (thrown) => {
        this.#parts.log.error({ err: thrown }, "a step of the lab failed");
      },
      journalChanged: (fault) => {
        const { log } = this.#parts;
        if (fault === undefined) log.info("the journal can be written again: jobs go on");
        else log.error({ code: fault.code, cure: fault.cure }, `${fault.message}; jobs wait`);
      },
    });
  }

  async start(): Promise<RunningServer> {
    const hooks: ListenerHooks = {
      failed: (thrown) => {
        const kind = `failed ${codeOf(thrown) ?? messageOf(thrown).slice(0, KIND_MAX)}`;
        this.#tell("error", kind, { err: thrown }, "a request failed");
      },
      acted: ({ principal, what, status, about }) => {
        const said = `${principalText(principal)}: ${what}`;
        const kind = `${principalText(principal)} ${status}`;
        this.#tell("info", kind, { principal, status, about }, said);
      },
      answered: () => {
        this.#loop.heed();
      },
    };
    const nodes = await this.#listenForNodes(hooks);
    await this.#startBoot(nodes.where);
    const operators = await this.#listenForOperators(nodes.where, hooks);
    this.#notes.push(...operators.notes);
    this.#loop.wake();
    this.#learnImages();
    this.#closers.push(
      () => this.#sessions.close(),
      () => {
        this.#loop.close();
      },
    );
    return {
      nodeUrl: nodes.where,
      socket: operators.where,
      notes: this.#notes,
      reload: () => this.#reloads.ask(),
      close: () => {
        this.#closed = true;
        return closeAll(this.#closers);
      },
    };
  }

  /** Logs what somebody on the network has caused, within the limit of its kind. */
  #tell(level: "info" | "warn" | "error", kind: string, fields: object, text: string): void {
    const leftOut = this.#logLimit.take(kind, performance.now());
    if (leftOut === undefined) return;
    this.#parts.log[level](leftOut === 0 ? fields : { ...fields, leftOut }, text);
  }

  /** Reads the new images of the store now, so that the first listing is fast. */
  #learnImages(): void {
    this.#images.list().catch((thrown: unknown) => {
      this.#parts.log.warn({ err: thrown }, "cannot list the images");
    });
  }

  async #listenForNodes(hooks: ListenerHooks): Promise<Listening> {
    const { config } = this.#parts;
    const routes = { desk: this.#lab.desk, images: this.#images, now: this.#now };
    const { address } = this.#address;
    const listening = await listenForNodes(address, config.server.httpPort, routes, hooks);
    this.#closers.push(() => listening.close());
    return listening;
  }

  async #listenForOperators(nodeUrl: string, hooks: ListenerHooks): Promise<Listening> {
    const { config, version } = this.#parts;
    const pinger = this.#openPinger();
    const status: ServerStatus = {
      version,
      features: [...FEATURES],
      startedAt: new Date(this.#now()).toISOString(),
      notes: this.#notes,
    };
    const prober = new NodeProber({
      ping: pinger?.ping.bind(pinger),
      addressOf: (node) => this.#inventory.named(node).address,
      powerOf: (node, timeoutMs) => this.#powerOf(node).state({ timeoutMs }),
    });
    const grant = { serverUrl: nodeUrl, serverKey: this.#key.publicHex };
    const routes = {
      lab: this.#lab,
      images: this.#images,
      prober,
      status,
      boot: () => this.#boot?.report() ?? { mode: "off", askers: [], counters: [] },
      reload: () => this.#reloads.ask(),
      grant,
      now: this.#now,
    };
    const { socket, uids } = config.server;
    const listening = await listenForOperators(socket, uids, routes, hooks);
    this.#closers.push(() => listening.close());
    return listening;
  }

  async #startBoot(nodeUrl: string): Promise<void> {
    const { config, version } = this.#parts;
    const { dhcp, bootPort, bootFiles, loaders } = config.server;
    if (dhcp.mode === "off") return;
    const boot = await startLabBoot({
      lab: this.#address,
      dhcp,
      port: bootPort,
      files: { folder: bootFiles, loaders },
      inventory: () => this.#inventory,
      wantsReceiver: (node) => this.#lab.wantsReceiver(node),
      grant: (mac) => this.#grant(mac, nodeUrl),
      event: (event) => {
        const kind = `${event.mac} ${event.state}`;
        this.#tell("info", kind, { boot: event }, bootSentence(event));
      },
      problem: (what, error) => {
        this.#tell("warn", `cannot ${what.slice(0, KIND_MAX)}`, { err: error }, `cannot ${what}`);
      },
    });
    this.#boot = boot;
    this.#closers.push(() => boot.close());
    if (boot.version !== version) {
      this.#notes.push(
        `the boot files are of huck ${boot.version}, this is ${version}: run "make initramfs"`,
      );
    }
  }

  #grant(mac: string, serverUrl: string): BootGrant | undefined {
    const minted = this.#lab.desk.mintToken(mac, this.#now());
    if (minted === undefined) return undefined;
    return { serverUrl, token: minted.token, serverKey: this.#key.publicHex };
  }

  #newSessions(): Sessions {
    const { server } = this.#parts.config;
    return new Sessions({
      start: senderStarter({
        open: (image) => this.#images.open(image),
        interfaceName: this.#address.interfaceName,
        address: this.#address.address,
        seed: () => randomBytes(4).readUInt32LE(),
      }),
      groups: { first: ipv4ToNumber(server.groups.first), last: ipv4ToNumber(server.groups.last) },
      port: server.dataPort,
      symbolBytes: server.symbolBytes,
      rateBitsPerSecond: server.rateMbit === undefined ? undefined : server.rateMbit * 1e6,
      id128,
      failed: (image, reason) => {
        this.#parts.log.warn({ image, reason }, "a session was given up");
        this.#lab.noteSenderFailed(image, reason, this.#now());
      },
    });
  }

  /** Once the file is read, all is done at once: nobody sees a half of the change. */
  async #reload(): Promise<ReloadReply> {
    const { config, reread, log } = this.#parts;
    const next = await reread();
    if (this.#closed) throw serverStops();
    const changes = inventoryChanges(this.#inventory, next.inventory);
    this.#inventory = next.inventory;
    for (const name of [...changes.changed, ...changes.removed]) this.#power.delete(name);
    const orders = this.#lab.inventoryChanged(this.#now());
    this.#boot?.update();
    this.#loop.heed();
    const atNextStart = serverChanges(config.server, next.server);
    const reply = { nodes: next.inventory.nodes.length, ...changes, ...orders, atNextStart };
    log.info({ reload: reply }, "huck.yaml was read again");
    return reply;
  }

  #powerOf(name: string): PowerDriver {
    const known = this.#power.get(name);
    if (known !== undefined) return known;
    const { address = "", power } = this.#inventory.named(name);
    const tell = (text: string): void => {
      this.#parts.log.info({ node: name }, text);
    };
    const made = powerDriver({ name, address, tell }, power);
    this.#power.set(name, made);
    return made;
  }

  #openPinger(): Pinger | undefined {
    try {
      const pinger = openPinger();
      this.#closers.push(() => {
        pinger.close();
      });
      if (pinger.kind !== "raw-socket") this.#notes.push(`pings go through ${pinger.kind}`);
      return pinger;
    } catch (thrown) {
      this.#notes.push(messageOf(thrown).slice(0, NOTE_MAX));
      return undefined;
    }
  }
}

function serverStops(): SituationError {
  return new SituationError("server_stops", "Cannot read huck.yaml again: the server stops", {
    cure: "Start it again: it then reads the file.",
  });
}

function id128(): string {
  return randomBytes(16).toString("hex");
}

/** Closes the last opened first. If one fails, the others are closed all the same. */
async function closeAll(closers: Closer[]): Promise<void> {
  const faults: unknown[] = [];
  for (const close of closers.splice(0).reverse()) {
    try {
      await close();
    } catch (thrown) {
      faults.push(thrown);
    }
  }
  if (faults.length > 0) throw new AggregateError(faults, "Cannot close the server in order");
}

/** Most characters of a kind of line. */
const KIND_MAX = 80;
/** Longest note in the server's status. Unit: UTF-16 code units. */
const NOTE_MAX = 1000;
