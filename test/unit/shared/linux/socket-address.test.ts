/**
 * Goal: socket addresses keep their meaning on the way to the kernel and back.
 *
 * Method: golden bytes of sockaddr_in and sockaddr_in6, round trips by property, and the bounded
 * table over bytes that no kernel has seen.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  EndpointTable,
  SOCKADDR_ROOM_BYTES,
  addressBytes,
  readSockaddr,
  writeSockaddr,
} from "../../../../shared/linux/socket-address.io.ts";

function blank(): DataView {
  return new DataView(new ArrayBuffer(SOCKADDR_ROOM_BYTES));
}

function hexOf(view: DataView, length: number): string {
  return Buffer.from(view.buffer, 0, length).toString("hex");
}

describe("writeSockaddr()", () => {
  test("writes sockaddr_in: family little-endian, port and address in network order", () => {
    const view = blank();
    const length = writeSockaddr(view, 0, { address: "239.77.1.2", port: 9100 }, 7);
    expect(length).toBe(16);
    expect(hexOf(view, 16)).toBe("0200238cef4d01020000000000000000");
  });

  test("writes sockaddr_in6 with its scope", () => {
    const view = blank();
    const length = writeSockaddr(view, 0, { address: "ff15::4875:ca", port: 1 }, 3);
    expect(length).toBe(28);
    expect(hexOf(view, 28)).toBe(
      "0a00000100000000" + "ff1500000000000000000000487500ca" + "03000000",
    );
  });

  test("refuses names, zones and octets above 255", () => {
    for (const address of ["localhost", "fe80::1%eth0", "1.2.3.256", "1.2.3", ""]) {
      expect(() => writeSockaddr(blank(), 0, { address, port: 1 }, 0)).toThrow(
        expect.objectContaining({ code: "bad_address" }),
      );
    }
  });
});

describe("readSockaddr()", () => {
  test("gives back what writeSockaddr() was told", () => {
    const port = fc.integer({ min: 0, max: 65535 });
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), port, (address, number) => {
        const view = blank();
        writeSockaddr(view, 0, { address, port: number }, 0);
        const back = readSockaddr(view, 0);
        expect(back.port).toBe(number);
        expect(addressBytes(back.address)).toEqual(addressBytes(address));
      }),
    );
  });

  test.each([
    ["::", "::"],
    ["::1", "::1"],
    ["2001:DB8:0:0:1:0:0:0", "2001:db8:0:0:1::"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["::ffff:1.2.3.4", "::ffff:102:304"],
  ])("writes %s as RFC 5952 wants: %s", (address, text) => {
    const view = blank();
    writeSockaddr(view, 0, { address, port: 1 }, 0);
    expect(readSockaddr(view, 0).address).toBe(text);
  });

  test("refuses another address family", () => {
    expect(() => readSockaddr(blank(), 0)).toThrow(
      expect.objectContaining({ code: "bad_address" }),
    );
  });
});

describe("EndpointTable", () => {
  test.each(["10.0.0.", "fe80::"])("endpointAt() gives one object for one address (%s)", (net) => {
    const table = new EndpointTable(0);
    const view = blank();
    const at = (host: number, port: number): unknown => {
      writeSockaddr(view, 0, { address: `${net}${host}`, port }, 0);
      return table.endpointAt(view, 0);
    };
    const first = at(1, 5);
    expect(at(2, 5)).not.toBe(first);
    expect(at(1, 6)).not.toBe(first);
    expect(at(1, 5)).toBe(first);
  });

  test.each(["10.0.0.1", "fe80::1"])(
    "endpointAt() goes on after more addresses than it may keep, and forgets the first (%s)",
    (address) => {
      const table = new EndpointTable(0);
      const view = blank();
      const at = (port: number): unknown => {
        writeSockaddr(view, 0, { address, port }, 0);
        return table.endpointAt(view, 0);
      };
      const first = at(1);
      for (let port = 2; port <= 10_000; port += 1) expect(at(port)).toEqual({ address, port });
      expect(at(1)).toEqual(first);
      expect(at(1)).not.toBe(first);
    },
  );

  test("addressOf() gives each endpoint its own bytes after makeRoom()", () => {
    const table = new EndpointTable(0);
    for (let round = 0; round < 50; round += 1) {
      table.makeRoom(128);
      const addresses = Array.from({ length: 128 }, (_, index) =>
        table.addressOf({ address: "10.0.0.1", port: round * 128 + index + 1 }),
      );
      expect(new Set(addresses).size).toBe(128);
    }
    expect(table.sockaddrBytes).toBe(16);
  });
});
