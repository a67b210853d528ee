/**
 * Decides which node has which address in full mode: a fixed one from the inventory, or one of the
 * pool.
 *
 * The pool address of a MAC is found by hashing the MAC to a place in the pool and walking on to
 * the first free one. The leases are in memory only: after a restart a node gets the same address,
 * or the one it asks for if that is free. Only nodes of the inventory have leases, so no lease must
 * ever be taken away. An address is not pinged before it is offered; a node that finds it in use
 * declines it (DHCPDECLINE), and it is not handed out for a while. A DECLINE can be forged, so each
 * node makes only {@link DECLINED_PER_MAC_MAX} addresses rest, and when no other is left, the one
 * that has rested longest is handed out: a pool is never emptied by declines. Time is monotonic.
 */
import type { Millis } from "../../../shared/core/units.ts";
import { ipv4FromNumber, ipv4ToNumber, subnetBroadcast } from "../addresses.ts";
import type { Ipv4, Mac } from "../addresses.ts";
import type { BootNetwork } from "../boot-network.ts";
import type { BootTable } from "../boot-table.ts";

/**
 * How long a declined address is not handed out. Unit: milliseconds.
 *
 * @internal A test uses it.
 */
export const DECLINED_REST_MS = 600_000;
/**
 * Most addresses that rest because one node declined them.
 *
 * @internal A test uses it.
 */
export const DECLINED_PER_MAC_MAX = 2;
/** Most addresses of a pool: a /20, as many as {@link NODES_MAX}. huck.yaml allows no more. */
export const POOL_ADDRESSES_MAX = 4096;

export class Leases {
  readonly #byMac = new Map<Mac, Ipv4>();
  readonly #byAddress = new Map<Ipv4, Mac>();
  /** Declined addresses, the longest ago first. */
  readonly #resting = new Map<Ipv4, { readonly by: Mac; readonly until: Millis }>();
  readonly #network: BootNetwork;
  readonly #first: number;
  readonly #count: number;
  #fixed: ReadonlyMap<Mac, Ipv4> = new Map();
  #named: ReadonlySet<Ipv4> = new Set();

  /** @param network - Without a pool, only fixed addresses are given. */
  constructor(network: BootNetwork) {
    this.#network = network;
    this.#first = network.pool === undefined ? 0 : ipv4ToNumber(network.pool.first);
    const end = network.pool === undefined ? 0 : ipv4ToNumber(network.pool.last) + 1;
    this.#count = Math.max(0, Math.min(end - this.#first, POOL_ADDRESSES_MAX));
  }

  /** Takes a new table: learns the fixed addresses and forgets leases of nodes that are gone. */
  adopt(table: BootTable): void {
    const { nodes } = table;
    const fixed = new Map<Mac, Ipv4>();
    for (const [mac, node] of nodes) if (node.address !== undefined) fixed.set(mac, node.address);
    this.#fixed = fixed;
    this.#named = namedAddresses(this.#network, fixed.values());
    for (const mac of [...this.#byMac.keys()]) if (!nodes.has(mac)) this.release(mac);
  }

  /**
   * Gives the address of a node; chooses one if it has none.
   *
   * @param mac - A MAC of the inventory.
   * @param wish - The address that the node asks for; granted if it is free and in the pool.
   * @returns Undefined if the pool is used up, or there is none.
   */
  addressFor(mac: Mac, now: Millis, wish?: Ipv4): Ipv4 | undefined {
    const fixed = this.#fixed.get(mac);
    if (fixed !== undefined) return fixed;
    const current = this.#byMac.get(mac);
    if (current !== undefined && this.#usable(current, mac, now)) return current;
    this.release(mac);
    const granted = wish !== undefined && this.#usable(wish, mac, now);
    const chosen = granted ? wish : (this.#search(mac, now) ?? this.#longestRested(mac));
    if (chosen === undefined) return undefined;
    this.#byMac.set(mac, chosen);
    this.#byAddress.set(chosen, mac);
    return chosen;
  }

  /**
   * Takes an address out of use because the node found it in use. Ignored if it is not the pool
   * address of that node.
   */
  decline(mac: Mac, address: Ipv4, now: Millis): void {
    if (this.#byMac.get(mac) !== address) return;
    this.release(mac);
    const own = [...this.#resting].filter(([, { by }]) => by === mac);
    const tooMany = own.slice(0, Math.max(0, own.length + 1 - DECLINED_PER_MAC_MAX));
    for (const [oldest] of tooMany) this.#resting.delete(oldest);
    this.#resting.delete(address);
    this.#resting.set(address, { by: mac, until: now + DECLINED_REST_MS });
  }

  /**
   * Forgets the pool address of a node.
   *
   * @param named - The address that the node says it gives up; ignored if it has another one.
   */
  release(mac: Mac, named?: Ipv4): void {
    const address = this.#byMac.get(mac);
    if (address === undefined || (named !== undefined && named !== address)) return;
    this.#byMac.delete(mac);
    this.#byAddress.delete(address);
  }

  #usable(address: Ipv4, mac: Mac, now: Millis): boolean {
    const index = ipv4ToNumber(address) - this.#first;
    if (index < 0 || index >= this.#count || this.#named.has(address)) return false;
    if ((this.#resting.get(address)?.until ?? -Infinity) > now) return false;
    return this.#isFree(address, mac);
  }

  #isFree(address: Ipv4, mac: Mac): boolean {
    const owner = this.#byAddress.get(address);
    return owner === undefined || owner === mac;
  }

  #longestRested(mac: Mac): Ipv4 | undefined {
    const named = (address: Ipv4): boolean => this.#named.has(address);
    return [...this.#resting.keys()].find((one) => !named(one) && this.#isFree(one, mac));
  }

  #search(mac: Mac, now: Millis): Ipv4 | undefined {
    const start = placeOf(mac);
    for (let step = 0; step < this.#count; step += 1) {
      const address = ipv4FromNumber(this.#first + ((start + step) % this.#count));
      if (this.#usable(address, mac, now)) return address;
    }
    return undefined;
  }
}

/**
 * Addresses that are never given from the pool: ours, the router's, the name servers', both ends
 * of the subnet and every fixed one.
 */
function namedAddresses(network: BootNetwork, fixed: Iterable<Ipv4>): ReadonlySet<Ipv4> {
  const { serverAddress, netmask, router, dns } = network;
  const base = ipv4FromNumber((ipv4ToNumber(serverAddress) & ipv4ToNumber(netmask)) >>> 0);
  const named = new Set([serverAddress, base, subnetBroadcast(serverAddress, netmask)]);
  for (const address of [...(dns ?? []), ...fixed]) named.add(address);
  if (router !== undefined) named.add(router);
  return named;
}

/** FNV-1a over the MAC's text (Fowler, Noll, Vo): spreads similar MACs and needs no table. */
function placeOf(mac: Mac): number {
  let value = 0x811c9dc5;
  for (const character of mac) {
    value = Math.imul(value ^ character.charCodeAt(0), 0x01000193) >>> 0;
  }
  return value;
}
