/**
 * A process that sends one DHCP message on "eth0" and prints what comes back, for tests: it runs
 * inside the namespace of a host that may have no address yet.
 *
 * Arguments: the message in hex, the port to send from, the server's port and address, and how long
 * to listen in milliseconds. Each answer is a line of hex.
 */
import { createSocket } from "node:dgram";
import { openBroadcastSocket } from "../../server/boot/interface-sockets.io.ts";

const [hex = "", fromPort = "68", toPort = "67", to = "255.255.255.255", waitMs = "1000"] =
  process.argv.slice(2);
const socket = createSocket("udp4");
socket.on("message", (bytes) => {
  process.stdout.write(`${bytes.toString("hex")}\n`);
});
socket.bind({ fd: openBroadcastSocket("eth0", Number(fromPort)) }, () => {
  socket.send(Buffer.from(hex, "hex"), Number(toPort), to);
  setTimeout(() => {
    socket.close();
  }, Number(waitMs));
});
