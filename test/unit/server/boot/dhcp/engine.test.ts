/**
 * Goal: every captured firmware gets exactly the answer it needs, and nobody else gets any. Method:
 * captured messages and variants of them go through DhcpEngine.decide() in virtual time; the
 * answers are read back with the codec.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  BOOT_SERVER_PORT,
  DhcpEngine,
  SERVER_PORT,
} from "../../../../../server/boot/dhcp/engine.ts";
import type { DhcpDecision } from "../../../../../server/boot/dhcp/engine.ts";
import { readMessage } from "../../../../../server/boot/dhcp/message.ts";
import type { DhcpMessage } from "../../../../../server/boot/dhcp/message.ts";
import { DhcpMessageType, optionText } from "../../../../../server/boot/dhcp/options.ts";
import {
  HTTP_MAC,
  IPXE_MAC,
  OVMF_MAC,
  bootTable,
  variant,
  vector,
} from "../../../../rig/dhcp-vectors.ts";
import type { NetworkTable } from "../../../../rig/dhcp-vectors.ts";

const nobody = { address: "0.0.0.0", port: 68 };
const everybody = { address: "255.255.255.255", port: 68 };
const pool = { first: "10.77.0.100", last: "10.77.0.110" };

function decide(
  bytes: Uint8Array,
  at: NetworkTable,
  remote = nobody,
  engine = new DhcpEngine(at.network, 0),
) {
  const port = remote === nobody ? SERVER_PORT : BOOT_SERVER_PORT;
  return engine.decide({ bytes, port, remote }, at, 0);
}

function reply(decision: DhcpDecision): DhcpMessage {
  expect(decision.outcome).toBe("answered");
  return readMessage(decision.answer?.bytes ?? new Uint8Array());
}

function address(text: string): number[] {
  return text.split(".").map(Number);
}

test("decide() in proxy mode gives iPXE its script at once: no option 43, no address", () => {
  const decision = decide(vector("ipxe-rom-discover"), bootTable());
  const offer = reply(decision);
  expect(offer.bootFile).toBe("http://10.77.0.1:8067/boot/nodes/52-54-00-77-00-00/script.ipxe");
  expect(offer.yourAddress).toBe("0.0.0.0");
  expect([...offer.options.keys()].sort((a, b) => a - b)).toEqual([53, 54, 60, 61, 97]);
  expect(optionText(offer.options, 60)).toBe("PXEClient");
  expect(decision.answer?.to).toEqual(everybody);
});

test("decide() in proxy mode offers UEFI PXE no file, and names it on port 4011", () => {
  const offer = reply(decide(vector("ovmf-pxe-discover"), bootTable()));
  expect([offer.bootFile, offer.nextServer, offer.yourAddress]).toEqual([
    "",
    "10.77.0.1",
    "0.0.0.0",
  ]);
  expect(offer.options.get(97)).toEqual(readMessage(vector("ovmf-pxe-discover")).options.get(97));
  expect(offer.options.has(43)).toBe(false);
  const remote = { address: "10.77.0.81", port: 4011 };
  const decision = decide(vector("ovmf-boot-server-request"), bootTable(), remote);
  const ack = reply(decision);
  expect(ack.options.get(53)).toEqual(Uint8Array.of(DhcpMessageType.ack));
  expect([ack.bootFile, ack.serverName]).toEqual(["snponly.efi", "10.77.0.1"]);
  expect(decision.answer?.to).toEqual(remote);
  expect(decision.event).toMatchObject({ state: "file_named", detail: "snponly.efi" });
});

test("decide() answers iPXE on port 4011 with its script and never with a loader", () => {
  const remote = { address: "10.77.0.79", port: 68 };
  const ack = reply(decide(vector("ipxe-boot-server-request"), bootTable(), remote));
  expect(ack.bootFile).toMatch(/script\.ipxe$/);
  expect(ack.options.has(43)).toBe(false);
});

test.each(["proxy", "full"] as const)(
  "decide() in %s mode gives UEFI HTTP boot 60 and 67",
  (mode) => {
    const offer = reply(decide(vector("ovmf-http-discover"), bootTable({ mode, pool })));
    expect(optionText(offer.options, 60)).toBe("HTTPClient");
    expect(optionText(offer.options, 67)).toBe("http://10.77.0.1:8067/boot/files/snponly.efi");
    expect(offer.bootFile).toBe("");
  },
);

test("decide() in full mode leases an address and tells iPXE not to wait for a proxy", () => {
  const lab = bootTable({ mode: "full", pool, router: "10.77.0.254", dns: ["10.77.0.253"] });
  const engine = new DhcpEngine(lab.network, 0);
  const offer = reply(decide(vector("ipxe-rom-discover"), lab, nobody, engine));
  expect(offer.options.get(175)).toEqual(Uint8Array.of(0xb0, 1, 1));
  expect(offer.options.get(3)).toEqual(Uint8Array.from([10, 77, 0, 254]));
  expect(offer.options.get(6)).toEqual(Uint8Array.from([10, 77, 0, 253]));
  expect(offer.options.get(51)).toEqual(Uint8Array.from([0, 0, 0x1c, 0x20]));
  expect(offer.options.has(60)).toBe(false);
  const request = variant(
    "ipxe-rom-request",
    {},
    { 50: address(offer.yourAddress), 54: address("10.77.0.1") },
  );
  const decision = decide(request, lab, nobody, engine);
  expect(reply(decision).yourAddress).toBe(offer.yourAddress);
  expect(decision.address).toBe(offer.yourAddress);
});

test("decide() in full mode names the loader for PXE in the header fields", () => {
  const offer = reply(decide(vector("ovmf-pxe-discover"), bootTable({ mode: "full", pool })));
  expect([offer.bootFile, offer.serverName, offer.nextServer]).toEqual([
    "snponly.efi",
    "10.77.0.1",
    "10.77.0.1",
  ]);
  expect(offer.options.has(60)).toBe(false);
});

test("decide() sends a BIOS with nothing to do to its disk, by every protocol", () => {
  const idle = { answer: "disk" } as const;
  const discover = variant("ovmf-pxe-discover", {}, { 93: [0, 0] });
  const decision = decide(discover, bootTable({}, idle));
  expect(decision).toMatchObject({ outcome: "nothing_to_do", event: { state: "sent_to_disk" } });
  expect(decision.answer).toBeUndefined();
  const offer = reply(decide(discover, bootTable({ mode: "full", pool }, idle)));
  expect([offer.bootFile, offer.nextServer]).toEqual(["", "0.0.0.0"]);
  expect([offer.options.has(60), offer.options.has(67)]).toEqual([false, false]);
  const request = variant("ovmf-boot-server-request", {}, { 93: [0, 0] });
  const late = decide(request, bootTable({}, idle), { address: "10.77.0.81", port: 4011 });
  expect(late.outcome).toBe("nothing_to_do");
  expect(reply(decide(vector("ipxe-rom-discover"), bootTable({}, idle))).bootFile).toMatch(/ipxe$/);
});

test("decide() never says more to an idle UEFI node than the loader's name", () => {
  const idle = bootTable({}, { answer: "disk" });
  const offer = reply(decide(vector("ovmf-http-discover"), idle));
  expect(optionText(offer.options, 67)).toBe("http://10.77.0.1:8067/boot/files/snponly.efi");
  const remote = { address: "10.77.0.81", port: 4011 };
  const ack = reply(decide(vector("ovmf-boot-server-request"), idle, remote));
  expect(ack.bootFile).toBe("snponly.efi");
});

test.each(["proxy", "full"] as const)("decide() in %s mode never answers a stranger", (mode) => {
  const lab = { ...bootTable({ mode, pool }), nodes: new Map() };
  for (const name of [
    "ipxe-rom-discover",
    "ovmf-pxe-discover",
    "ovmf-http-discover",
    "ovmf-pxe-request",
  ]) {
    const { outcome, answer, event } = decide(vector(name), lab);
    expect([outcome, answer, event]).toEqual(["unknown_node", undefined, undefined]);
  }
});

test("decide() counts a Raspberry Pi and gives it no x86 file", () => {
  const pi = variant("ovmf-pxe-discover", { mac: "dc:a6:32:00:00:01" }, { 93: [0, 0] });
  expect(decide(pi, bootTable())).toMatchObject({
    outcome: "raspberry",
    event: { state: "unfit" },
  });
  expect(reply(decide(pi, bootTable({ mode: "full", pool }))).bootFile).toBe("");
});

test("decide() says unfit when no loader is published for an architecture", () => {
  const arm = variant("ovmf-pxe-discover", {}, { 93: [0, 11] });
  expect(decide(arm, bootTable())).toMatchObject({
    outcome: "unfit",
    event: { state: "unfit", detail: "efi-arm64" },
  });
});

test("decide() gives no script to iPXE on a processor without a receiver", () => {
  const arm = variant("ipxe-rom-discover", {}, { 93: [0, 11] });
  expect(decide(arm, bootTable())).toMatchObject({
    outcome: "unfit",
    event: { state: "unfit", detail: "efi-arm64" },
  });
  expect(reply(decide(arm, bootTable({ mode: "full", pool }))).bootFile).toBe("");
});

test("decide() in full mode refuses an address that is not the node's", () => {
  const request = variant("ovmf-pxe-request", {}, { 50: [10, 99, 0, 1], 54: undefined });
  const decision = decide(request, bootTable({ mode: "full", pool }));
  expect(reply(decision).options.get(53)).toEqual(Uint8Array.of(DhcpMessageType.nak));
  expect(decision.answer?.to).toEqual(everybody);
});

test("decide() renews to the address itself and answers an INFORM without a lease", () => {
  const lab = bootTable({ mode: "full", pool }, { address: "10.77.0.50" });
  const renewing = variant(
    "ovmf-pxe-request",
    { clientAddress: "10.77.0.50" },
    { 50: undefined, 54: undefined },
  );
  const decision = decide(renewing, lab);
  expect(reply(decision).yourAddress).toBe("10.77.0.50");
  expect(decision.answer?.to).toEqual({ address: "10.77.0.50", port: 68 });
  const inform = variant("ovmf-pxe-request", { clientAddress: "10.77.0.50" }, { 53: [8] });
  const ack = reply(decide(inform, lab));
  expect([ack.yourAddress, ack.options.has(51)]).toEqual(["0.0.0.0", false]);
});

test("decide() gives up an offer when the node chose another server", () => {
  const lab = bootTable({ mode: "full", pool: { first: "10.77.0.100", last: "10.77.0.100" } });
  const engine = new DhcpEngine(lab.network, 0);
  reply(decide(vector("ipxe-rom-discover"), lab, nobody, engine));
  expect(decide(vector("ovmf-pxe-discover"), lab, nobody, engine).outcome).toBe("no_address");
  const other = variant("ipxe-rom-request", {}, { 54: [10, 77, 0, 9] });
  expect(decide(other, lab, nobody, engine).outcome).toBe("other_server");
  expect(reply(decide(vector("ovmf-pxe-discover"), lab, nobody, engine)).yourAddress).toBe(
    "10.77.0.100",
  );
});

test("decide() takes DECLINE and RELEASE without an answer", () => {
  const lab = bootTable({ mode: "full", pool });
  const engine = new DhcpEngine(lab.network, 0);
  const had = reply(decide(vector("ipxe-rom-discover"), lab, nobody, engine)).yourAddress;
  const decline = variant("ipxe-rom-request", {}, { 53: [4], 50: address(had) });
  expect(decide(decline, lab, nobody, engine)).toMatchObject({
    outcome: "noted",
    event: { state: "address_declined", detail: had },
  });
  const next = reply(decide(vector("ipxe-rom-discover"), lab, nobody, engine)).yourAddress;
  expect(next).not.toBe(had);
  const release = variant("ipxe-rom-request", { clientAddress: next }, { 53: [7] });
  const { outcome, answer } = decide(release, lab, nobody, engine);
  expect([outcome, answer]).toEqual(["noted", undefined]);
});

test("decide() sends nothing outside the lab subnet, to port 0 or through a relay", () => {
  const lab = bootTable({ mode: "full", pool }, { address: "198.51.100.7" });
  const forged = variant(
    "ovmf-pxe-request",
    { clientAddress: "198.51.100.7" },
    { 50: undefined, 54: undefined },
  );
  expect(decide(forged, lab)).toMatchObject({ outcome: "foreign_address" });
  expect(decide(forged, lab).answer).toBeUndefined();
  for (const remote of [
    { address: "198.51.100.7", port: 4011 },
    { address: "10.77.0.81", port: 0 },
  ]) {
    expect(decide(vector("ovmf-boot-server-request"), bootTable(), remote).outcome).toBe(
      "foreign_address",
    );
  }
  const relayed = variant("ovmf-pxe-discover", { relayAddress: "10.77.0.9" });
  expect(decide(relayed, bootTable())).toMatchObject({ outcome: "relayed" });
  expect(decide(relayed, bootTable()).answer).toBeUndefined();
});

test("decide() echoes a switch's option 82 as the last option", () => {
  const marked = variant("ipxe-rom-discover", {}, { 82: [1, 2, 3, 4] });
  const options = [...reply(decide(marked, bootTable())).options];
  expect(options.at(-1)).toEqual([82, Uint8Array.of(1, 2, 3, 4)]);
});

test("decide() stops answering a MAC that asks more than ten times at once", () => {
  const engine = new DhcpEngine(bootTable().network, 0);
  const outcomes = Array.from({ length: 12 }, () => {
    return decide(vector("ipxe-rom-discover"), bootTable(), nobody, engine).outcome;
  });
  expect(outcomes.filter((one) => one === "answered")).toHaveLength(10);
  expect(decide(vector("ovmf-pxe-discover"), bootTable(), nobody, engine).outcome).toBe("answered");
});

test.each(["proxy", "full"] as const)(
  "decide() in %s mode answers nodes while strangers flood, also with rubbish",
  (mode) => {
    const lab = bootTable({ mode, pool });
    const engine = new DhcpEngine(lab.network, 0);
    const outcomes = new Map<string, number>();
    for (let index = 0; index < 20_000; index += 1) {
      const bytes = Uint8Array.from(vector("ovmf-pxe-discover"));
      bytes.set([2, index >> 16, index >> 8, index, 0, 0], 28);
      if (index % 3 === 0) bytes[236] = 0;
      if (index % 5 === 0) bytes[2] = 16;
      const { outcome } = decide(bytes, lab, nobody, engine);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      if (index % 2000 === 1999) {
        const known = decide(
          vector(index % 4000 === 1999 ? "ovmf-pxe-discover" : "ovmf-http-discover"),
          lab,
          nobody,
          engine,
        );
        expect(known.outcome).toBe("answered");
      }
    }
    expect([...outcomes.values()].reduce((sum, one) => sum + one, 0)).toBe(20_000);
    expect(outcomes.get("strangers_limited")).toBe(19_500);
  },
);

/** A captured message whose options are these bytes. */
function withOptions(name: string, options: readonly number[]): Uint8Array {
  return Uint8Array.from([...vector(name).subarray(0, 240), ...options]);
}

const PXE = [60, 9, ...Buffer.from("PXEClient"), 93, 2, 0, 7];

test.each([
  ["options without end", [53, 1, 1, ...PXE]],
  ["a doubled option 53", [53, 1, 1, 53, 1, 1, ...PXE, 255]],
  ["an option 53 that is too long", [53, 2, 1, 0, ...PXE, 255]],
  ["a doubled option 93", [53, 1, 1, ...PXE, 93, 2, 0, 7, 255]],
  ["a last option that is cut off", [53, 1, 1, ...PXE, 97, 17, 0, 1]],
  ["option 93 only in option 60", [53, 1, 1, 60, 20, ...Buffer.from("PXEClient:Arch:00007"), 255]],
  ["more bytes than a frame", [53, 1, 1, ...PXE, 255, ...Array<number>(3000).fill(0)]],
])("decide() answers a DISCOVER with %s", (_what, options) => {
  const bytes = withOptions("ovmf-pxe-discover", options);
  const offer = reply(decide(bytes, bootTable({ mode: "full", pool })));
  expect(offer.bootFile).toBe("snponly.efi");
});

test("decide() keeps the file in the ACK when only the DISCOVER had options 60 and 93", () => {
  const lab = bootTable({ mode: "full", pool });
  const engine = new DhcpEngine(lab.network, 0);
  const discover = variant("ovmf-pxe-discover", { transactionId: 7 });
  const { yourAddress } = reply(decide(discover, lab, nobody, engine));
  const bare = { 50: address(yourAddress), 54: address("10.77.0.1"), 60: undefined, 93: undefined };
  const request = variant("ovmf-pxe-request", { transactionId: 7 }, bare);
  expect(reply(decide(request, lab, nobody, engine)).bootFile).toBe("snponly.efi");
  const later = variant("ovmf-pxe-request", { transactionId: 8 }, bare); // the system's own client
  expect(reply(decide(later, lab, nobody, engine)).bootFile).toBe("");
});

test("decide() answers on port 4011 a firmware that no longer says what it is", () => {
  const lab = bootTable();
  const engine = new DhcpEngine(lab.network, 0);
  decide(variant("ovmf-pxe-discover", { mac: HTTP_MAC }), lab, nobody, engine);
  const request = variant("ovmf-boot-server-request", {}, { 60: undefined, 93: undefined });
  const remote = { address: "10.77.0.81", port: 4011 };
  expect(reply(decide(request, lab, remote, engine)).bootFile).toBe("snponly.efi");
});

test("decide() says of each datagram who sent it and what it asks, also of strangers", () => {
  const lab = { ...bootTable(), nodes: new Map() };
  expect(decide(vector("ovmf-pxe-discover"), lab)).toMatchObject({
    outcome: "unknown_node",
    mac: OVMF_MAC,
    asks: "discover by pxe on efi-x64",
  });
  const bootp = vector("ovmf-pxe-discover").fill(0, 236, 240);
  expect(decide(bootp, bootTable())).toMatchObject({
    outcome: "malformed",
    mac: OVMF_MAC,
    asks: "bad_cookie",
  });
});

test("decide() leaves the site's own exchange alone in proxy mode", () => {
  expect(decide(vector("ovmf-pxe-request"), bootTable()).outcome).toBe("other_server");
  const system = variant("ovmf-pxe-discover", {}, { 60: undefined, 93: undefined });
  expect(decide(system, bootTable()).outcome).toBe("other_server");
});

test("decide() drops answers of other servers and what is no DHCP", () => {
  expect(decide(vector("dnsmasq-http-offer"), bootTable()).outcome).toBe("not_a_request");
  expect(decide(Uint8Array.of(1, 2, 3), bootTable()).outcome).toBe("malformed");
});

test("decide() never throws and stays under 576 bytes, whatever options a known node sends", () => {
  const lab = bootTable({ mode: "full", pool, dns: ["10.77.0.2", "10.77.0.3", "10.77.0.4"] });
  const options = fc.dictionary(
    fc.integer({ min: 1, max: 254 }).map(String),
    fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 40 }),
    { maxKeys: 6 },
  );
  const macs = fc.constantFrom(IPXE_MAC, OVMF_MAC, HTTP_MAC);
  const names = fc.constantFrom("ipxe-rom-discover", "ovmf-pxe-request", "ovmf-http-discover");
  fc.assert(
    fc.property(names, macs, options, fc.boolean(), (name, mac, changes, full) => {
      const bytes = variant(name, { mac }, changes);
      const { answer } = decide(bytes, full ? lab : bootTable());
      expect(answer?.bytes.byteLength ?? 0).toBeLessThanOrEqual(576 - 28);
    }),
  );
});
