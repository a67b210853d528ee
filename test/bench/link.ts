/**
 * The network of a cast: one sender and N receivers on a switch, with a rate and with loss.
 *
 * It is the lab network of the tests, with a token bucket on every link and nft rules that lose
 * frames. Datagrams cross it one by one, as frames do: offloads that would glue them together are
 * off, since otherwise one loss would hit many.
 */
import { spawnSync } from "node:child_process";
import { Lab } from "../rig/network-lab.ts";
import type { CastRow } from "./rows.ts";

/** A frame's FCS, preamble and gap, so that R Mbit/s is R Mbit/s of Ethernet. Unit: bytes. */
const FRAME_OVERHEAD = 24;
const SENDER_ADDRESS = "10.77.0.2";
const address = (number: number): string => `10.77.0.${10 + number}`;
const mac = (number: number): string => `52:54:00:77:02:${number.toString(16).padStart(2, "0")}`;

/** What went over the switch. */
export interface Traffic {
  /** What the sender put on the wire, in bytes of frames without FCS, preamble and gap. */
  readonly downBytes: number;
  /** Frames that receivers sent. */
  readonly upFrames: number;
}

/** The network. Close it. */
export class Link {
  readonly sender: string;
  readonly receivers: readonly string[];
  readonly #lab: Lab;

  constructor(row: CastRow) {
    const lab = new Lab("bench");
    this.#lab = lab;
    try {
      lab.ip("link del uplink"); // a port more to be flooded
      this.sender = lab.host("s", mac(0), SENDER_ADDRESS);
      this.receivers = Array.from({ length: row.receivers }, (_, index) =>
        lab.host(`r${index + 1}`, mac(index + 1), address(index + 1)),
      );
      for (const host of [this.sender, ...this.receivers]) this.#shape(host, row);
      if (row.lossPercent > 0) {
        for (const [index, host] of this.receivers.entries()) {
          this.#lose(host, "eth0", row.lossPercent);
          this.#lose(lab.namespace, `vr${index + 1}`, row.lossPercent);
        }
      }
    } catch (error) {
      void lab.close();
      throw error;
    }
  }

  /** An /etc/hosts for programs that look names up. */
  get hosts(): string {
    const lines = this.receivers.map((_, index) => `${address(index + 1)} r${index + 1}\n`);
    return `127.0.0.1 localhost\n${SENDER_ADDRESS} s\n${lines.join("")}`;
  }

  /** What went over the switch so far. */
  traffic(): Traffic {
    const links = JSON.parse(this.#run(this.#lab.namespace, "ip", "-s", "-j", "link")) as readonly {
      readonly ifname: string;
      readonly stats64: { readonly rx: { readonly bytes: number; readonly packets: number } };
    }[];
    const up = links.filter(({ ifname }) => /^vr\d+$/.test(ifname));
    return {
      downBytes: links.find(({ ifname }) => ifname === "vs")?.stats64.rx.bytes ?? Number.NaN,
      upFrames: up.reduce((sum, { stats64 }) => sum + stats64.rx.packets, 0),
    };
  }

  /** Datagrams that receivers lost because their socket's buffer was full. */
  overflows(): number {
    return this.receivers
      .map((host) => {
        const text = this.#run(host, "cat", "/proc/net/snmp");
        const [names = [], values = []] = text
          .split("\n")
          .filter((line) => line.startsWith("Udp:"))
          .map((line) => line.split(" "));
        return Number(values[names.indexOf("RcvbufErrors")] ?? 0);
      })
      .reduce((sum, one) => sum + one, 0);
  }

  /** Removes it with all that runs in it. */
  async close(): Promise<void> {
    for (const host of [this.sender, ...this.receivers]) {
      const pids = spawnSync("ip", ["netns", "pids", host], { encoding: "utf8" }).stdout;
      for (const pid of pids.split("\n")) if (pid !== "") spawnSync("kill", ["-KILL", pid]);
    }
    await this.#lab.close();
  }

  #shape(host: string, { rateMbit, lossPercent }: CastRow): void {
    this.#run(host, "ip", "route", "add", "224.0.0.0/4", "dev", "eth0");
    this.#run(host, "ip", "route", "add", "default", "dev", "eth0");
    this.#run(host, "ethtool", "-K", "eth0", "tx-udp-segmentation", "off");
    if (lossPercent > 0) this.#run(host, "ethtool", "-K", "eth0", "tso", "off", "gso", "off");
    const bucket = `rate ${rateMbit}mbit burst 128k limit 8m overhead ${FRAME_OVERHEAD}`;
    this.#run(host, ..."tc qdisc add dev eth0 root tbf".split(" "), ...bucket.split(" "));
  }

  /** Loses IPv4 frames that come in by a device; ARP is spared. */
  #lose(namespace: string, device: string, percent: number): void {
    const hook = `{ type filter hook ingress device "${device}" priority 0; policy accept; }`;
    const share = `numgen random mod 100000 < ${Math.round(percent * 1000)}`;
    const rules = [
      `add table netdev loss-${device}`,
      `add chain netdev loss-${device} in ${hook}`,
      `add rule netdev loss-${device} in ether type ip ${share} counter drop`,
    ];
    this.#run(namespace, "nft", rules.join("; "));
  }

  #run(namespace: string, ...command: readonly string[]): string {
    const { exitCode, output } = this.#lab.run(namespace, command);
    if (exitCode === 0) return output;
    throw new Error(`${command.join(" ")}: ${output.trim()}`);
  }
}
