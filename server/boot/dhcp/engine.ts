/**
 * The DHCP and proxyDHCP server, as a synchronous function of request, table and time.
 *
 * In proxy mode it answers a DISCOVER on port 67 with a boot offer and no address, and a REQUEST on
 * port 4011 with the file name; all else it leaves to the site's DHCP server. In full mode it is
 * the DHCP server (RFC 2131 4.3). Nodes outside the inventory are never answered. If a node has
 * nothing to do, iPXE gets its script all the same, and UEFI the loader that fetches it; the script
 * then says "exit". Any other firmware is told of no boot file and goes on to the disk: proxy mode
 * is silent, full mode gives a lease only. Only one link is served: messages that come through a
 * relay (giaddr) are not answered. The engine remembers only leases and rates, both bounded. Time
 * is monotonic.
 */
import type { Endpoint } from "../../../shared/core/engine.ts";
import { FormatError } from "../../../shared/core/errors.ts";
import type { Millis } from "../../../shared/core/units.ts";
import { BROADCAST_ADDRESS, NO_ADDRESS, inSubnet } from "../addresses.ts";
import type { Ipv4 } from "../addresses.ts";
import type { BootNetwork } from "../boot-network.ts";
import type { BootNode, BootTable } from "../boot-table.ts";
import { decideBoot } from "../decision.ts";
import type { BootEvent, BootState } from "../progress.ts";
import { firmwareOf } from "./firmware.ts";
import { Leases } from "./leases.ts";
import { readMessage, writeMessage } from "./message.ts";
import type { DhcpMessage } from "./message.ts";
import { DhcpMessageType, Option, optionAddress, optionU8 } from "./options.ts";
import { RateLimit } from "./rate.ts";
import { informReply, leaseReply, nakReply, proxyReply } from "./reply.ts";
import type { ReplyContext } from "./reply.ts";

/** UDP port of DHCP servers. */
export const SERVER_PORT = 67;
/** UDP port of DHCP clients. */
const CLIENT_PORT = 68;
/** UDP port of PXE boot servers (PXE 2.1 section 2.2). */
export const BOOT_SERVER_PORT = 4011;

/** A datagram that came in. */
export interface DhcpRequest {
  /** Its payload; borrowed for the call. */
  readonly bytes: Uint8Array;
  /** Our port that it came to. */
  readonly port: typeof SERVER_PORT | typeof BOOT_SERVER_PORT;
  /** Address and port of its sender. */
  readonly remote: Endpoint;
}

/** What was done with a datagram; there is a counter for each. */
export type DhcpOutcome =
  | "answered"
  | "malformed"
  | "not_a_request"
  | "unknown_node"
  | "rate_limited"
  | "raspberry"
  | "unfit"
  | "nothing_to_do"
  | "other_server"
  | "relayed"
  | "foreign_address"
  | "no_address"
  | "noted";

export interface DhcpDecision {
  /** For the counters. */
  readonly outcome: DhcpOutcome;
  /** What to send, from the port that the request came to. */
  readonly answer?: { readonly bytes: Uint8Array; readonly to: Endpoint };
  /** What the datagram means for the node's boot. */
  readonly event?: BootEvent;
  /** The address that the node of {@link event} uses from now on. */
  readonly address?: Ipv4;
}

const EVERYBODY: Endpoint = { address: BROADCAST_ADDRESS, port: CLIENT_PORT };

interface Contact extends ReplyContext {
  readonly node: BootNode;
  readonly remote: Endpoint;
  readonly now: Millis;
}

/** Answers DHCP datagrams. One instance serves one interface. */
export class DhcpEngine {
  readonly #network: BootNetwork;
  readonly #leases: Leases;
  readonly #rate: RateLimit;
  #adopted: BootTable | undefined;

  constructor(network: BootNetwork, now: Millis) {
    this.#network = network;
    this.#leases = new Leases(network);
    this.#rate = new RateLimit(now);
  }

  /**
   * Decides about one datagram. Hostile bytes are counted and never throw.
   *
   * @param request - Borrowed for the call.
   * @returns The outcome, and what to send and to report.
   */
  decide(request: DhcpRequest, table: BootTable, now: Millis): DhcpDecision {
    if (table !== this.#adopted) {
      this.#leases.adopt(table);
      this.#adopted = table;
    }
    if (!this.#rate.takeAny(now)) return { outcome: "rate_limited" };
    const message = tryRead(request.bytes);
    if (message === undefined) return { outcome: "malformed" };
    if (message.operation !== 1) return { outcome: "not_a_request" };
    if (message.relayAddress !== NO_ADDRESS) return { outcome: "relayed" };
    const node = table.nodes.get(message.mac);
    if (node === undefined) return { outcome: "unknown_node" };
    if (!this.#rate.takeFrom(message.mac, now)) return { outcome: "rate_limited" };
    const firmware = firmwareOf(message);
    const network = this.#network;
    const boot = decideBoot({ firmware, mac: message.mac, node }, network, table.assets);
    const contact: Contact = {
      request: message,
      firmware,
      network,
      boot,
      node,
      remote: request.remote,
      now,
    };
    if (request.port === BOOT_SERVER_PORT) return bootServer(contact);
    return network.mode === "full" ? this.#full(contact) : proxy(contact);
  }

  #full(contact: Contact): DhcpDecision {
    const { request, now } = contact;
    const { mac } = request;
    switch (optionU8(request.options, Option.messageType)) {
      case DhcpMessageType.discover:
        return this.#discover(contact);
      case DhcpMessageType.request:
        return this.#request(contact);
      case DhcpMessageType.inform:
        return answered(contact, informReply(contact), usualDestination(contact));
      case DhcpMessageType.decline: {
        const address = optionAddress(request.options, Option.requestedAddress) ?? NO_ADDRESS;
        this.#leases.decline(mac, address, now);
        return { outcome: "noted", event: eventOf(contact, "address_declined", address) };
      }
      case DhcpMessageType.release:
        this.#leases.release(mac);
        return { outcome: "noted" };
      case undefined:
      default:
        return { outcome: "not_a_request" };
    }
  }

  #discover(contact: Contact): DhcpDecision {
    const { request, now, node } = contact;
    const wish = optionAddress(request.options, Option.requestedAddress);
    const address = this.#leases.addressFor(request.mac, now, wish);
    if (address === undefined) {
      return { outcome: "no_address", event: eventOf(contact, "no_address", node.name) };
    }
    return answered(contact, leaseReply(contact, "offer", address), usualDestination(contact));
  }

  #request(contact: Contact): DhcpDecision {
    const { request, now, network } = contact;
    const chosen = optionAddress(request.options, Option.serverIdentifier);
    if (chosen !== undefined && chosen !== network.serverAddress) {
      this.#leases.release(request.mac);
      return { outcome: "other_server" };
    }
    // RFC 2131 4.3.2: selecting and rebooting clients name the address in option 50, renewing
    // ones in ciaddr.
    const wish = optionAddress(request.options, Option.requestedAddress) ?? request.clientAddress;
    if (wish === NO_ADDRESS) return { outcome: "malformed" };
    const address = this.#leases.addressFor(request.mac, now, wish);
    if (address !== wish) return answered(contact, nakReply(contact), EVERYBODY);
    return answered(contact, leaseReply(contact, "ack", address), usualDestination(contact));
  }
}

function tryRead(bytes: Uint8Array): DhcpMessage | undefined {
  try {
    return readMessage(bytes);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** Port 67 in proxy mode: answers only a DISCOVER from a program that boots from the network. */
function proxy(contact: Contact): DhcpDecision {
  const { request, firmware } = contact;
  if (optionU8(request.options, Option.messageType) !== DhcpMessageType.discover) {
    return { outcome: "other_server" };
  }
  if (firmware.kind === "none") return { outcome: "other_server" };
  return withFile(contact, "offer");
}

/** Port 4011: the PXE client has its address and asks for the file name. */
function bootServer(contact: Contact): DhcpDecision {
  const type = optionU8(contact.request.options, Option.messageType);
  if (type !== DhcpMessageType.request && type !== DhcpMessageType.inform) {
    return { outcome: "not_a_request" };
  }
  return withFile(contact, "ack");
}

function withFile(contact: Contact, type: "offer" | "ack"): DhcpDecision {
  const { boot, firmware } = contact;
  if (firmware.kind === "raspberry") {
    return { outcome: "raspberry", event: eventOf(contact, "unfit", "Raspberry Pi") };
  }
  if (boot.kind === "unfit") {
    return { outcome: "unfit", event: eventOf(contact, "unfit", boot.architecture) };
  }
  if (boot.kind === "disk") {
    return { outcome: "nothing_to_do", event: eventOf(contact, "sent_to_disk", firmware.kind) };
  }
  const to = type === "ack" ? contact.remote : usualDestination(contact);
  return answered(contact, proxyReply(contact, type), to);
}

/**
 * Follows RFC 2131 4.1 without its ARP trick: a client without an address is answered by broadcast,
 * which every client takes.
 */
function usualDestination(contact: Contact): Endpoint {
  const { clientAddress } = contact.request;
  return clientAddress === NO_ADDRESS ? EVERYBODY : { address: clientAddress, port: CLIENT_PORT };
}

/** Never sends outside the lab subnet: a forged request must not make us send to other networks. */
function answered(contact: Contact, reply: DhcpMessage, to: Endpoint): DhcpDecision {
  const { serverAddress, netmask } = contact.network;
  const known = to === EVERYBODY || inSubnet(to.address, serverAddress, netmask);
  if (!known || to.port === 0) return { outcome: "foreign_address" };
  const answer = { bytes: writeMessage(reply), to };
  const decision = { outcome: "answered" as const, answer, event: eventFor(contact, reply) };
  if (optionU8(reply.options, Option.messageType) !== DhcpMessageType.ack) return decision;
  const address = reply.yourAddress === NO_ADDRESS ? to.address : reply.yourAddress;
  return { ...decision, address };
}

function eventFor(contact: Contact, reply: DhcpMessage): BootEvent {
  const { boot, firmware } = contact;
  const type = optionU8(reply.options, Option.messageType);
  if (type === DhcpMessageType.nak) return eventOf(contact, "asked", "for an address not its own");
  if (type === DhcpMessageType.offer) {
    return eventOf(contact, "asked", `${firmware.kind} on ${firmware.architecture}`);
  }
  if (boot.kind === "url") return eventOf(contact, "file_named", boot.url);
  if (boot.kind === "file") return eventOf(contact, "file_named", boot.file);
  if (boot.kind === "unfit") return eventOf(contact, "unfit", boot.architecture);
  return eventOf(contact, "address_given", reply.yourAddress);
}

function eventOf(contact: Contact, state: BootState, detail: string): BootEvent {
  return { node: contact.node.name, mac: contact.request.mac, state, detail };
}
