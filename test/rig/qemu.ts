/**
 * Switches a virtual node, for the `command` power driver of a server under test.
 *
 *     node test/rig/qemu.ts on|off|state FOLDER
 *
 * FOLDER describes the node (qemu/process.ts). `state` prints `on` or `off`.
 */
import { isOn, switchOff, switchOn } from "./qemu/process.ts";

const [verb = "", folder = ""] = process.argv.slice(2);
if (verb === "on") switchOn(folder);
else if (verb === "off") switchOff(folder);
else if (verb === "state") process.stdout.write(isOn(folder) ? "on\n" : "off\n");
else {
  process.stderr.write(`Cannot do "${verb}": on, off or state and a folder wanted\n`);
  process.exitCode = 2;
}
