/** Goal: a port that cannot be opened is told in words. Method: errors as the system makes them. */
import { expect, test } from "vitest";
import { portError } from "../../../../server/boot/bind-port.io.ts";

test.each([
  ["EADDRINUSE", "port_taken", "another program has the address (EADDRINUSE)"],
  ["EACCES", "port_forbidden", "the system forbids it (EACCES)"],
  ["EADDRNOTAVAIL", "no_address", "this computer lacks the address (EADDRNOTAVAIL)"],
  ["EPROTO", "no_port", "the system refuses it (EPROTO)"],
])("portError() explains %s without the system's own words", (code, situation, found) => {
  const error = Object.assign(new Error(`bind ${code} 10.0.0.1:69`), { code, syscall: "bind" });
  expect(portError("TFTP", "10.0.0.1 port 69", error)).toMatchObject({
    code: situation,
    message: `Cannot open the TFTP port at 10.0.0.1 port 69: ${found}, a free port wanted`,
    cure: expect.stringMatching(/^[A-Z].*[.]$/) as string,
  });
});
