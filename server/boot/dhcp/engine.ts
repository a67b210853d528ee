/**
 * The DHCP and proxyDHCP server, as a synchronous function of request, table and time.
 *
 * In proxy mode it answers a DISCOVER on port 67 with a boot offer and no address, and a REQUEST on
 * port 4011 with the file name; all else it leaves to the site's DHCP server. In full mode it is
 * the DHCP server (RFC 2131 4.3). Nodes outside the inventory are never answered. If a node has
 * nothing to do, iPXE gets its script all the same, and UEFI the loader that fetches it; the script
 * then says "exit". Any other firmware is told of no boot file and goes on to the disk: proxy mode
 * is silent, full mode gives a lease only. Only one link is served: messages that come through a
 * relay (giaddr) are not answered. Firmware that tells what it is in its DISCOVER but not in the
 * REQUEST is taken for the same. The engine remembers only leases, rates and firmware, all bounded.
 * Time is monotonic.
 */
import type { Endpoint } from "../../../shared/core/engine.ts";
import { FormatError } from "../../../shared/core/errors.ts";
import type { Millis } from "../../../shared/core/units.ts";
import { BROADCAST_ADDRESS, NO_ADDRESS, inSubnet } from "../addresses.ts";
import type { Ipv4, Mac } from "../addresses.ts";
import type { BootNetwork } from "../boot-network.ts";
import type { BootNode, BootTable } from "../boot-table.ts";
import { decideBoot } from "../decision.ts";
import type { BootEvent, BootState } from "../progress.ts";
import { firmwareOf } from "./firmware.ts";
import { Leases } from "./leases.ts";
import type { Firmware } from "./firmware.ts";
import { readMessage, senderOf, writeMessage } from "./message.ts";
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
  | "strangers_limited"
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
  /** The sender's MAC, if the datagram has one. */
  readonly mac?: Mac;
  /** What the datagram asks for, or what is wrong with it. */
  readonly asks?: string;
  /** What to send, from the port that the request came to. */
  readonly answer?: { readonly bytes: Uint8Array; readonly to: Endpoint };
  /** What the datagram means for the node's boot. */
  readonly event?: BootEvent;
  /** The address that the node of {@link event} uses from now on. */
  readonly address?: Ipv4;
}

const EVERYBODY: Endpoint = { address: BROADCAST_ADDRESS, port: CLIENT_PORT };

/** What a firmware said that it is. */
interface Told {
  readonly firmware: Firmware;
  readonly transactionId: number;
  readonly at: Millis;
}

/** How long after its DISCOVER a firmware may ask on port 4011. Unit: milliseconds. */
const BOOT_SERVER_WITHIN_MS = 60_000;

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
  /** By MACs of the inventory. */
  readonly #told = new Map<Mac, Told>();
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
    this.#adopt(table);
    const mac = senderOf(request.bytes);
    const node = mac === undefined ? undefined : table.nodes.get(mac);
    if (mac === undefined || node === undefined) return this.#stranger(request.bytes, mac, now);
    if (!this.#rate.takeFrom(mac, now)) return { outcome: "rate_limited", mac };
    const message = tryRead(request.bytes);
    if (typeof message === "string") return { outcome: "malformed", mac, asks: message };
    const misfit = misfitOf(message);
    if (misfit !== undefined) return { outcome: misfit, mac };
    const firmware = this.#firmwareOf(message, request.port, now);
    const network = this.#network;
    const boot = decideBoot({ firmware, mac, node }, network, table.assets);
    const { remote } = request;
    const contact: Contact = { request: message, firmware, network, boot, node, remote, now };
    const decision = this.#decideKnown(contact, request.port);
    return { ...decision, mac, asks: asksOf(message, firmware) };
  }

  #adopt(table: BootTable): void {
    if (table === this.#adopted) return;
    this.#leases.adopt(table);
    for (const mac of this.#told.keys()) if (!table.nodes.has(mac)) this.#told.delete(mac);
    this.#adopted = table;
  }

  /** Strangers are never answered. They are read, within bounds, so that an admin sees them. */
  #stranger(bytes: Uint8Array, mac: Mac | undefined, now: Millis): DhcpDecision {
    const from = mac === undefined ? {} : { mac };
    if (!this.#rate.takeStranger(now)) return { outcome: "strangers_limited", ...from };
    const message = tryRead(bytes);
    if (typeof message === "string") return { outcome: "malformed", ...from, asks: message };
    const asks = asksOf(message, firmwareOf(message));
    return { outcome: misfitOf(message) ?? "unknown_node", mac: message.mac, asks };
  }

  /** Some firmware says what it is only when it asks first. */
  #firmwareOf(message: DhcpMessage, port: DhcpRequest["port"], now: Millis): Firmware {
    const { mac, transactionId } = message;
    const firmware = firmwareOf(message);
    if (firmware.kind !== "none") {
      this.#told.set(mac, { firmware, transactionId, at: now });
      return firmware;
    }
    const told = this.#told.get(mac);
    if (told === undefined) return firmware;
    const isSame =
      port === BOOT_SERVER_PORT
        ? now - told.at < BOOT_SERVER_WITHIN_MS
        : told.transactionId === transactionId;
    return isSame ? told.firmware : firmware;
  }

  #decideKnown(contact: Contact, port: DhcpRequest["port"]): DhcpDecision {
    if (port === BOOT_SERVER_PORT) return bootServer(contact);
    return contact.network.mode === "full" ? this.#full(contact) : proxy(contact);
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
        this.#leases.release(mac, request.clientAddress);
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

/** Gives the code of the error if the bytes are no DHCP message. */
function tryRead(bytes: Uint8Array): DhcpMessage | string {
  try {
    return readMessage(bytes);
  } catch (error) {
    if (error instanceof FormatError) return error.code;
    throw error;
  }
}

function misfitOf({ operation, relayAddress }: DhcpMessage): DhcpOutcome | undefined {
  if (operation !== 1) return "not_a_request";
  return relayAddress === NO_ADDRESS ? undefined : "relayed";
}

/** Says what a message asks for: "discover by pxe on efi-x64". */
function asksOf(message: DhcpMessage, { kind, architecture }: Firmware): string {
  const type = optionU8(message.options, Option.messageType);
  const name = Object.entries(DhcpMessageType).find(([, value]) => value === type)?.[0];
  const who = kind === "none" ? "no boot program" : `${kind} on ${architecture}`;
  return `${name ?? `type ${type ?? "none"}`} by ${who}`;
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
