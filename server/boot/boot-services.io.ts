/**
 * The boot services as one: DHCP or proxyDHCP, TFTP, HTTP and router advertisements on one lab
 * interface.
 *
 * The session layer starts them once, pushes a table at every change, and mints a token when a
 * node fetches its script; BOOTING.md tells what a node sees of it. Nothing here knows sessions,
 * images or power.
 */
import { SituationError } from "../../shared/core/errors.ts";
import type { Ipv4, Mac } from "./addresses.ts";
import { fileUrl } from "./decision.ts";
import { DhcpListener } from "./dhcp/dhcp-listener.io.ts";
import type { DhcpCounters } from "./dhcp/dhcp-listener.io.ts";
import { FileMemory } from "./file-memory.io.ts";
import { HttpListener } from "./http/http-listener.io.ts";
import { diskScript, receiverScript } from "./ipxe/script.ts";
import type { BootEvent, BootState } from "./progress.ts";
import { RouterAdvertiser } from "./ra/router-advertiser.io.ts";
import type { AdvertiserCounters } from "./ra/router-advertiser.io.ts";
import { NODES_MAX } from "./boot-table.ts";
import type { BootNode, BootTable } from "./boot-table.ts";
import { TftpListener } from "./tftp/tftp-listener.io.ts";
import type { TftpCounters } from "./tftp/tftp-listener.io.ts";

/** What a receiver is told so that it may join: minted per boot by the session layer. */
export interface BootGrant {
  /** Base URL of the node API. */
  readonly serverUrl: string;
  /** Single-use token bound to the node, 128 random bits in hex or base64url. */
  readonly token: string;
  /** The server's public order key, for checking signed orders. */
  readonly serverKey: string;
}

/** The boot a token is minted for. */
export interface GrantRequest {
  /** The node's name. */
  readonly node: string;
  /** The MAC it boots with. */
  readonly mac: Mac;
  /** The address it fetched its script from. */
  readonly address: Ipv4;
}

/** What {@link startBoot} needs. */
export interface BootOptions {
  /** Kernel name of the lab interface. */
  readonly interfaceName: string;
  /** The first table; its network is fixed until {@link RunningBoot.close}. */
  readonly table: BootTable;
  /** Mints the token of one boot. A rejection is reported and the node's fetch fails. */
  readonly grant: (request: GrantRequest) => Promise<BootGrant>;
  /** Told of every step of a node's boot; must not throw. */
  readonly event: (event: BootEvent) => void;
  /** Told of errors that are neither the node's nor worth stopping for; must not throw. */
  readonly problem: (what: string, error: unknown) => void;
}

/** Totals of all boot services. */
export interface BootCounters {
  /** Datagrams on ports 67 and 4011. */
  readonly dhcp: DhcpCounters;
  /** Transfers on port 69. */
  readonly tftp: TftpCounters;
  /** Router advertisements; absent when the host has no IPv6. */
  readonly advertiser?: AdvertiserCounters;
}

/** The running boot services. */
export interface RunningBoot {
  /** Running totals. */
  readonly counters: BootCounters;
  /** Takes a new table; it counts from the next contact on. Throws `no_file` like the start. */
  readonly update: (table: BootTable) => void;
  /** Closes every port. */
  readonly close: () => Promise<void>;
}

/**
 * Starts all boot services on one interface.
 *
 * @param options - See {@link BootOptions}.
 * @returns The running services; the caller closes them.
 * @throws {@link SituationError} `port_taken`, `port_forbidden`, `no_address`, `no_interface`,
 * `no_file`, each with its
 * cure. Nothing is left open then.
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
    const counters = { dhcp: dhcp.counters, tftp: tftp.counters };
    return {
      counters:
        advertiser === undefined ? counters : { ...counters, advertiser: advertiser.counters },
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

/** The table, and what the services tell one another. */
class BootServices {
  readonly #options: BootOptions;
  readonly #memory = new FileMemory();
  /** Which MAC uses an address now: file servers see addresses only. At most {@link NODES_MAX}. */
  readonly #macs = new Map<Ipv4, Mac>();
  #table: BootTable;

  constructor(options: BootOptions) {
    this.#options = options;
    this.#table = checkedTable(options.table);
  }

  update(table: BootTable): void {
    this.#table = checkedTable({ ...table, network: this.#table.network });
  }

  dhcpOptions(): Parameters<typeof DhcpListener.open>[0] {
    return {
      interfaceName: this.#options.interfaceName,
      address: this.#table.network.serverAddress,
      table: () => this.#table,
      event: this.#options.event,
      seen: (address, mac) => {
        this.#seen(address, mac);
      },
    };
  }

  tftpOptions(): Parameters<typeof TftpListener.open>[0] {
    const { serverAddress, netmask } = this.#table.network;
    return {
      address: serverAddress,
      netmask,
      content: (name) => this.#content(name),
      ended: (file, remote, state) => {
        if (state === "complete") this.#fetched(file, remote);
      },
    };
  }

  httpOptions(): Parameters<typeof HttpListener.open>[0] {
    const { serverAddress, netmask, httpPort } = this.#table.network;
    return {
      address: serverAddress,
      netmask,
      port: httpPort,
      path: (name) => this.#table.files.get(name),
      script: (mac, remote) => this.#script(mac, remote),
      sent: (name, remote) => {
        this.#fetched(name, remote);
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
      });
    } catch (error) {
      problem("advertise IPv6 (iPXE will wait 16 s longer)", error);
      return undefined;
    }
  }

  async #content(name: string): Promise<Uint8Array | undefined> {
    const path = this.#table.files.get(name);
    if (path === undefined) return undefined;
    try {
      return await this.#memory.read(path);
    } catch (error) {
      this.#options.problem(`serve "${name}" by TFTP`, error);
      return undefined;
    }
  }

  async #script(mac: Mac, address: Ipv4): Promise<string | undefined> {
    const node = this.#table.nodes.get(mac);
    if (node === undefined) return undefined;
    this.#seen(address, mac);
    if (node.answer === "disk") {
      this.#options.event({ node: node.name, mac, state: "sent_to_disk", detail: "iPXE script" });
      return diskScript(node.name);
    }
    const grant = await this.#options.grant({ node: node.name, mac, address });
    const text = this.#receiverScript(mac, node, grant);
    this.#options.event({ node: node.name, mac, state: "script_fetched", detail: address });
    return text;
  }

  #receiverScript(mac: Mac, node: BootNode, grant: BootGrant): string {
    const { network, roles } = this.#table;
    const file = (name: string): { name: string; url: string } => ({
      name,
      url: fileUrl(network.serverAddress, network.httpPort, name),
    });
    return receiverScript({
      node: node.name,
      mac,
      kernel: file(roles.kernel),
      initramfs: roles.initramfs.map(file),
      arguments: [
        `huck.server=${grant.serverUrl}`,
        `huck.token=${grant.token}`,
        `huck.key=${grant.serverKey}`,
        ...(node.kernelArguments ?? []),
      ],
    });
  }

  #fetched(file: string, address: Ipv4): void {
    const mac = this.#macs.get(address);
    const node = mac === undefined ? undefined : this.#table.nodes.get(mac);
    const state = fetchedState(file, this.#table);
    if (mac === undefined || node === undefined || state === undefined) return;
    this.#options.event({ node: node.name, mac, state, detail: file });
  }

  #seen(address: Ipv4, mac: Mac): void {
    if (this.#macs.size >= NODES_MAX && !this.#macs.has(address)) this.#macs.clear();
    this.#macs.set(address, mac);
  }
}

function fetchedState(file: string, table: BootTable): BootState | undefined {
  const { roles } = table;
  if (file === roles.kernel) return "kernel_fetched";
  if (roles.initramfs.includes(file)) return "initramfs_fetched";
  const loaders = [roles.loaderBios, roles.loaderEfiX64, roles.loaderEfiArm64];
  return loaders.includes(file) ? "loader_fetched" : undefined;
}

/**
 * A role without a file would be found by the first node at night: say it at the push.
 *
 * @throws {@link SituationError} `no_file`.
 */
function checkedTable(table: BootTable): BootTable {
  const { roles, files } = table;
  for (const name of [roles.kernel, ...roles.initramfs]) {
    if (files.has(name)) continue;
    throw new SituationError("no_file", `Cannot boot the receiver: "${name}" is not published`, {
      cure: 'run "make initramfs", or name the folder with the boot files in the configuration',
    });
  }
  return table;
}
