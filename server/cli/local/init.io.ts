/**
 * `huck init`: makes a folder from which `huck serve` can run. It never overwrites anything.
 */
import path from "node:path";
import type { Command } from "commander";
import { LeaveMode } from "../../../shared/control/spec.ts";
import { choicesText } from "../option-values.ts";
import { stdout } from "../terminal.io.ts";
import { makeServerFolder } from "./server-folder.io.ts";

/** Describes `huck init` on a fresh command, which it gives back. */
export function initCommand(command: Command): Command {
  return command.argument("[folder]", "where", ".").action((folder: string) => {
    const where = path.resolve(folder);
    for (const line of makeServerFolder(where, CONFIG_TEMPLATE)) stdout.print(line);
    stdout.print(`next: edit ${path.join(where, "huck.yaml")}, then huck serve`);
  });
}

const LEAVES = choicesText(LeaveMode.options);

/** A huck.yaml that shows every setting with its default. It must be valid: a test parses it. */
export const CONFIG_TEMPLATE = `# huck.yaml: what huck serve knows. Folders start at this file.

server:
  # The lab network: an interface of this computer, or the address itself (one of the two).
  interface: eth0
  # address: 10.0.0.1

  # How nodes find the receiver:
  #   proxy  beside the DHCP server of the site (it keeps handing out addresses)
  #   full   huck is the DHCP server of an isolated lab network
  #   off    no boot services: nodes are started by hand
  dhcp: { mode: proxy }
  # dhcp: { mode: full, range: 10.0.0.100-10.0.0.199, router: 10.0.0.1, dns: [10.0.0.1] }

  httpPort: 4080        # TCP: what receivers say to the server
  bootPort: 4081        # TCP: boot files and boot scripts
  bootFiles: build/boot # kernel, initramfs and loaders ("make initramfs" makes them)
  # loaders: { efi-x64: build/boot/ipxe.efi } # loaders of your own, for bios, efi-x64, efi-arm64
  store: images
  state: state          # journal and order key: back it up, keep it private

  # Who may command the server: root, the user it runs as, and these.
  socket: /run/huck/huck.sock
  uids: []

  # Multicast. The groups must be routed nowhere; 1408 bytes fit an MTU of 1500.
  groups: 239.192.77.1-239.192.77.64
  dataPort: 4077
  symbolBytes: 1408
  # rateMbit: 900       # cap of a session; without it huck finds the rate

  # Waits, in seconds. Nothing waits for ever.
  bootSeconds: 600      # from starting a node to its join
  silenceSeconds: 30    # a node at work that says nothing for so long has fallen silent
  returnSeconds: 180    # a silent node may come back by itself within so long

# What applies to every node that does not say otherwise.
defaults:
  # free: may be reimaged at once. confirm: only with --yes. Unmarked is confirm.
  reimage: confirm
  # The first rule that matches exactly one disk wins; {} is "the one disk it has".
  disk: [{}]
  # disk: [{ serial: S3Z8NB0K }, { model: "Samsung*", bus: ata, minBytes: 200000000000 }]
  # What a node does after its order: ${LEAVES}. --leave on the command line wins.
  # leave: reboot
  # More words for the kernel command line of the receiver. huck.data-interface names the
  # interface that takes the multicast, if it is not the one that the node boots from.
  # kernelArguments: ["console=ttyS0,115200", "huck.data-interface=eth1"]
  # The way into the receiver. pxe switches the node, which then boots from the network.
  enter: pxe
  # manual: huck tells a person. command: shell commands with $NODE and $NODE_ADDRESS.
  power: { driver: manual }
  # power:
  #   driver: command
  #   on: ipmitool -H "$NODE-bmc" -U admin -f /etc/huck/bmc chassis power on
  #   off: ipmitool -H "$NODE-bmc" -U admin -f /etc/huck/bmc chassis power off
  #   cycle: ipmitool -H "$NODE-bmc" -U admin -f /etc/huck/bmc chassis power cycle
  #   state: >-
  #     ipmitool -H "$NODE-bmc" -U admin -f /etc/huck/bmc chassis power status |
  #     awk '{print $NF}'
  #   timeoutSeconds: 30

# Nodes that are not in this list are never booted and never written.
nodes: []
#  - { name: fit01, macs: ["52:54:00:12:34:01"], reimage: free }
#  - { name: fit02, macs: ["52:54:00:12:34:02"], address: 10.0.0.2 }
`;
