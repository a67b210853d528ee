/**
 * The content of our DHCP answers, one function for each kind of answer.
 *
 * Firmware differs more than the standards say (FIRMWARE.md). PXE ROMs and iPXE read the boot file
 * from the header's `file` field; UEFI HTTP boot reads it only from option 67, and only if option
 * 60 is "HTTPClient". We never send option 43: iPXE takes it as an invitation to port 4011 and
 * loops there. The client GUID (97) is echoed as it came (PXE 2.1 table 2-2), and so are the client
 * identifier (61, RFC 6842) and the relay's option 82 (RFC 3046 2.2).
 */
import { NO_ADDRESS, ipv4Bytes, subnetBroadcast } from "../addresses.ts";
import type { Ipv4 } from "../addresses.ts";
import type { FirmwareAnswer } from "../decision.ts";
import { DNS_SERVERS_MAX } from "../boot-network.ts";
import type { BootNetwork } from "../boot-network.ts";
import type { Firmware } from "./firmware.ts";
import type { DhcpMessage } from "./message.ts";
import { IPXE_NO_PROXY, DhcpMessageType, Option, textBytes } from "./options.ts";

/** What an answer is made from. */
export interface ReplyContext {
  readonly request: DhcpMessage;
  /** The program that sent it. */
  readonly firmware: Firmware;
  /** The network on which it is answered. */
  readonly network: BootNetwork;
  /** What the program is told to boot. */
  readonly boot: FirmwareAnswer;
}

/**
 * Makes a proxyDHCP OFFER (for a DISCOVER on port 67) or ACK (for a REQUEST on port 4011): a boot
 * answer without an address (PXE 2.1 section 2.2). The OFFER to a PXE client names no file: the
 * client asks for that on port 4011.
 */
export function proxyReply(context: ReplyContext, type: "offer" | "ack"): DhcpMessage {
  const { boot, firmware, network } = context;
  const options = baseOptions(context, DhcpMessageType[type]);
  if (firmware.kind !== "http") options.set(Option.vendorClass, textBytes("PXEClient"));
  const named = type === "ack" || boot.kind === "url";
  const bootFields = named ? withBoot(context, options) : NO_FILE;
  return { ...base(context, options), ...bootFields, nextServer: network.serverAddress };
}

/** Makes a full DHCP OFFER, or the ACK to a REQUEST, with the node's address. */
export function leaseReply(
  context: ReplyContext,
  type: "offer" | "ack",
  address: Ipv4,
): DhcpMessage {
  const options = baseOptions(context, DhcpMessageType[type]);
  options.set(Option.leaseSeconds, u32Bytes(LEASE_SECONDS));
  // RFC 2131 4.4.5: renew at 0.5, rebind at 0.875 of the lease
  options.set(Option.renewalSeconds, u32Bytes(LEASE_SECONDS / 2));
  options.set(Option.rebindingSeconds, u32Bytes((LEASE_SECONDS * 7) / 8));
  return { ...configured(context, options), yourAddress: address };
}

/** Makes the ACK to an INFORM: settings without a lease (RFC 2131 4.3.5). */
export function informReply(context: ReplyContext): DhcpMessage {
  return configured(context, baseOptions(context, DhcpMessageType.ack));
}

/** Makes a NAK: the address that was asked for is not the node's (RFC 2131 4.3.2). */
export function nakReply(context: ReplyContext): DhcpMessage {
  return { ...base(context, baseOptions(context, DhcpMessageType.nak)), clientAddress: NO_ADDRESS };
}

type BootFields = Pick<DhcpMessage, "nextServer" | "serverName" | "bootFile">;

const NO_FILE: BootFields = { nextServer: NO_ADDRESS, serverName: "", bootFile: "" };
/**
 * The usual length of a lease in a lab. A node that does not renew in time loses nothing: `Leases`
 * never gives its address to another.
 */
const LEASE_SECONDS = 7200;
/** RFC 4578 2.3: type 0 and 16 bytes; other lengths are not echoed. */
const GUID_BYTES = 17;
/**
 * Largest relay information and client identifier that is echoed, so that every answer stays under
 * the 576 bytes of RFC 2131 section 2. An identifier is a MAC or a DUID (RFC 4361): 7 to 37 bytes.
 */
const ECHO_BYTES_MAX = 64;

function base(context: ReplyContext, options: Map<number, Uint8Array>): DhcpMessage {
  const { request } = context;
  return {
    ...request,
    ...NO_FILE,
    operation: 2,
    hops: 0,
    seconds: 0,
    yourAddress: NO_ADDRESS,
    options,
  };
}

function baseOptions(context: ReplyContext, type: number): Map<number, Uint8Array> {
  const { request, network } = context;
  const options = new Map<number, Uint8Array>();
  options.set(Option.messageType, Uint8Array.of(type));
  options.set(Option.serverIdentifier, ipv4Bytes(network.serverAddress));
  const guid = request.options.get(Option.clientGuid);
  if (guid?.byteLength === GUID_BYTES) options.set(Option.clientGuid, guid);
  for (const code of [Option.clientIdentifier, Option.relayInformation]) {
    const value = request.options.get(code);
    if (value !== undefined && value.byteLength <= ECHO_BYTES_MAX) options.set(code, value);
  }
  return options;
}

function configured(context: ReplyContext, options: Map<number, Uint8Array>): DhcpMessage {
  const { network, firmware } = context;
  const { serverAddress, netmask, router, dns } = network;
  options.set(Option.subnetMask, ipv4Bytes(netmask));
  options.set(Option.broadcastAddress, ipv4Bytes(subnetBroadcast(serverAddress, netmask)));
  if (router !== undefined) options.set(Option.router, ipv4Bytes(router));
  const servers = (dns ?? []).slice(0, DNS_SERVERS_MAX);
  if (servers.length > 0) {
    options.set(Option.dns, Uint8Array.from(servers.flatMap((one) => [...ipv4Bytes(one)])));
  }
  if (firmware.kind === "ipxe") options.set(Option.ipxe, IPXE_NO_PROXY);
  return { ...base(context, options), ...withBoot(context, options) };
}

function withBoot(context: ReplyContext, options: Map<number, Uint8Array>): BootFields {
  const { boot, firmware, network } = context;
  const nextServer = network.serverAddress;
  if (boot.kind === "file") return { nextServer, serverName: nextServer, bootFile: boot.file };
  if (boot.kind !== "url") return NO_FILE;
  if (firmware.kind !== "http") return { nextServer, serverName: "", bootFile: boot.url };
  options.set(Option.vendorClass, textBytes("HTTPClient"));
  options.set(Option.bootFileName, textBytes(boot.url));
  return { nextServer, serverName: "", bootFile: "" };
}

function u32Bytes(value: number): Uint8Array {
  return Uint8Array.from([24, 16, 8, 0], (shift) => (value >>> shift) & 0xff);
}
