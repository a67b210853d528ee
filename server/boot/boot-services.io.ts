/**
 * All boot services together: DHCP or proxyDHCP, TFTP, HTTP and router advertisements on one lab
 * interface.
 *
 * They are started once and get a new table at every change. They ask the server for one thing
 * only: a grant, when a node fetches the script that enters the receiver. BOOTING.md describes what
 * a node sees of them. Nothing here knows about sessions, images or power.
 */
import { interfaceMtu } from "../../shared/linux/interfaces.io.ts";
import type { Ipv4, Mac } from "./addresses.ts";
import { Askers } from "./askers.ts";
import type { BootQuestion, Asker } from "./askers.ts";
import type { BootAsset } from "./assets.ts";
import type { BootNetwork } from "./boot-network.ts";
import { NODES_MAX } from "./boot-table.ts";
import type { BootTable } from "./boot-table.ts";
import { DhcpListener } from "./dhcp/dhcp-listener.io.ts";
import type { DhcpCounters } from "./dhcp/dhcp-listener.io.ts";
import { receiverEntry } from "./entry.ts";
import type { BootGrant, GrantRequest } from "./entry.ts";
import { FileMemory } from "./file-memory.io.ts";
import { lookUp } from "./file-tree.ts";
import type { NodeScript, TreeFile } from "./file-tree.ts";
import type { BootHttpCounters } from "./http/http-listener.io.ts";
import { HttpListener } from "./http/http-listener.io.ts";
import type { BootEvent, BootState } from "./progress.ts";
import { RouterAdvertiser } from "./ra/router-advertiser.io.ts";
import type { AdvertiserCounters } from "./ra/router-advertiser.io.ts";
import { TftpListener } from "./tftp/tftp-listener.io.ts";
import type { TftpCounters } from "./tftp/tftp-listener.io.ts";

export interface BootOptions {
  /** Kernel name of the lab interface. */
  readonly interfaceName: string;
  readonly network: BootNetwork;
  readonly table: BootTable;
  /** Mints the token of one boot. If it rejects, that is reported and the node's fetch fails. */
  readonly grant: (request: GrantRequest) => Promise<BootGrant>;
  /** Called for every step of a node's boot; must not throw. */
  readonly event: (event: BootEvent) => void;
  /** Called for errors that are not the node's and do not stop the services; must not throw. */
  readonly problem: (what: string, error: unknown) => void;
}

/** Running totals of all boot services. */
export interface BootCounters {
  /** Datagrams on ports 67 and 4011. */
  readonly dhcp: DhcpCounters;
  /** Datagrams and transfers of port 69. */
  readonly tftp: TftpCounters;
  /** Requests and connections of the boot file server. */
  readonly http: BootHttpCounters;
  /** Router advertisements; absent when the host has no IPv6. */
  readonly advertiser?: AdvertiserCounters;
}

export interface RunningBoot {
  readonly counters: () => BootCounters;
  /** Gives who asked in the last hour; MACs that no node has come first. */
  readonly askers: () => readonly Asker[];
  /** Takes a new table, which counts from the next contact on. */
  readonly update: (table: BootTable) => void;
  /** Closes every port. */
  readonly close: () => Promise<void>;
}

/**
 * Starts all boot services on one interface; the caller closes them.
 *
 * @throws {@link SituationError} `port_taken`, `port_forbidden`, `no_address`, `no_interface`,
 *   each with its cure. Then nothing is left open.
 */
export async function startBoot(options: BootOptions): Promise<RunningBoot> {
  const state = new BootServices(options);
  const opened: (() => void | Promise<void>)[] = [];
  try {
    const dhcp = await DhcpListener.open(state.dhcpOptions());
    opened.push(() => {
      dhcp.close();
    });
    const tftp = await TftpListener.open(state.tftpOptions());
    opened.push(() => {
      tftp.close();
    });
    const http = await HttpListener.open(state.httpOptions());
    opened.push(() => http.close());
    const advertiser = state.tryAdvertise();
    if (advertiser !== undefined) {
      opened.push(() => {
        advertiser.close();
      });
    }
    const counters = (): BootCounters => ({
      dhcp: dhcp.counters,
      tftp: tftp.counters,
      http: http.counters,
      ...(advertiser === undefined ? {} : { advertiser: advertiser.counters }),
    });
    return {
      counters,
      askers: () => state.askers(),
      update: (table) => {
        state.update(table);
      },
      close: () => closeAll(opened),
    };
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

async function closeAll(opened: readonly (() => void | Promise<void>)[]): Promise<void> {
  for (const close of opened) await close();
}

/** Holds the table, and passes on what one service learns and another needs. */
class BootServices {
  readonly #options: BootOptions;
  readonly #memory = new FileMemory();
  /** Which MAC uses an address: file servers see only the address. At most {@link NODES_MAX}. */
  readonly #macs = new Map<Ipv4, Mac>();
  readonly #askers = new Askers();
  #table: BootTable;

  constructor(options: BootOptions) {
    this.#options = options;
    this.#table = options.table;
  }

  update(table: BootTable): void {
    this.#table = table;
  }

  askers(): readonly Asker[] {
    return this.#askers.list(Date.now(), (mac) => this.#table.nodes.get(mac)?.name);
  }

  dhcpOptions(): Parameters<typeof DhcpListener.open>[0] {
    const { interfaceName, network, event } = this.#options;
    return {
      interfaceName,
      network,
      table: () => this.#table,
      event,
      asked: (ask) => {
        this.#asked(ask);
      },
      seen: (address, mac) => {
        this.#seen(address, mac);
      },
    };
  }

  tftpOptions(): Parameters<typeof TftpListener.open>[0] {
    const { interfaceName, network } = this.#options;
    const { serverAddress, netmask } = network;
    return {
      address: serverAddress,
      netmask,
      mtu: () => interfaceMtu(interfaceName),
      asked: (address, what, outcome) => {
        this.#asked({ via: "tftp", address, what, outcome });
      },
      content: (path, remote) => this.#content(path, remote),
      ended: (path, remote, state) => {
        const found = state === "complete" ? this.#find(path, remote) : undefined;
        if (found?.kind === "asset") this.#fetched(found.asset, remote);
      },
    };
  }

  httpOptions(): Parameters<typeof HttpListener.open>[0] {
    const { serverAddress, netmask, httpPort } = this.#options.network;
    return {
      address: serverAddress,
      netmask,
      port: httpPort,
      find: (path, remote) => this.#find(path, remote),
      write: (script, remote) => this.#write(script, remote),
      asked: (address, what, outcome) => {
        this.#asked({ via: "http", address, what, outcome });
      },
      sent: (asset, remote) => {
        this.#fetched(asset, remote);
      },
      failed: (target, error) => {
        this.#options.problem(`answer ${target}`, error);
      },
    };
  }

  tryAdvertise(): RouterAdvertiser | undefined {
    const { interfaceName, problem } = this.#options;
    try {
      return new RouterAdvertiser({
        interfaceName,
        isKnown: (mac) => this.#table.nodes.has(mac),
        asked: (mac, outcome) => {
          this.#asked({ via: "ipv6", mac, what: "a router", outcome });
        },
      });
    } catch (error) {
      problem("advertise IPv6 (iPXE will wait 16 s longer)", error);
      return undefined;
    }
  }

  #asked(ask: BootQuestion): void {
    const mac = ask.mac ?? (ask.address === undefined ? undefined : this.#macs.get(ask.address));
    this.#askers.note(mac === undefined ? ask : { ...ask, mac }, Date.now());
  }

  #find(path: string, address: Ipv4): TreeFile | undefined {
    return lookUp(this.#table, path, this.#macs.get(address));
  }

  async #content(path: string, address: Ipv4): Promise<Uint8Array | undefined> {
    const found = this.#find(path, address);
    if (found === undefined) return undefined;
    try {
      if (found.kind === "asset") return await this.#memory.read(found.asset);
      return Buffer.from(await this.#write(found, address));
    } catch (error) {
      this.#options.problem(`serve "${path}" by TFTP`, error);
      return undefined;
    }
  }

  async #write(script: NodeScript, address: Ipv4): Promise<string> {
    const { mac, node, writer, receiver } = script;
    const { network, event, grant } = this.#options;
    this.#seen(address, mac);
    if (receiver === undefined) {
      event({ node: node.name, mac, state: "sent_to_disk", detail: writer.title });
      return writer.disk(node.name);
    }
    const granted = await grant({ node: node.name, mac, address });
    const text = writer.receiver(receiverEntry({ mac, node, receiver, network, grant: granted }));
    event({ node: node.name, mac, state: "script_fetched", detail: address });
    return text;
  }

  #fetched(asset: BootAsset, address: Ipv4): void {
    const mac = this.#macs.get(address);
    const node = mac === undefined ? undefined : this.#table.nodes.get(mac);
    const state = FETCHED[asset.role];
    if (mac === undefined || node === undefined || state === undefined) return;
    this.#options.event({ node: node.name, mac, state, detail: asset.name });
  }

  #seen(address: Ipv4, mac: Mac): void {
    if (this.#macs.size >= NODES_MAX && !this.#macs.has(address)) this.#macs.clear();
    this.#macs.set(address, mac);
  }
}

/** The boot state that a node has reached when it has fetched a file of this part. */
const FETCHED: Readonly<Record<BootAsset["role"], BootState | undefined>> = {
  kernel: "kernel_fetched",
  archive: "initramfs_fetched",
  loader: "loader_fetched",
  extra: undefined,
};
