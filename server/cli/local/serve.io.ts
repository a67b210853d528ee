/**
 * `huck serve`: reads huck.yaml, starts the server, prints its addresses and folders, and stops it
 * in order.
 */
import path from "node:path";
import type { Command } from "commander";
import { pino } from "pino";
import { SituationError, messageOf } from "../../../shared/core/errors.ts";
import { readConfig } from "./read-config.io.ts";
import { readConfigInThread } from "./read-config-thread.io.ts";
import { countText } from "../quantity-text.ts";
import { endBySignal } from "../signals.io.ts";
import { stdout } from "../terminal.io.ts";
import { startServer } from "../../main.io.ts";
import type { RunningServer } from "../../main.io.ts";
import { configOf } from "../../config.ts";
import type { Config } from "../../config.ts";
import type { ReloadReply } from "../../../shared/control/operator-api.ts";
import packageFile from "../../../package.json" with { type: "json" };

interface ServeOptions {
  readonly config: string;
}

/** Describes `huck serve` on a fresh command, which it gives back. */
export function serveCommand(command: Command): Command {
  return command
    .option("-c, --config <file>", "configuration", "huck.yaml")
    .action(async (options: ServeOptions) => {
      await serve(path.resolve(options.config));
    });
}

async function serve(file: string): Promise<void> {
  const config = configOf(readConfig(file));
  const log = pino(pino.destination({ dest: STDERR, sync: true }));
  const server = await startServer({
    config,
    reread: async () => configOf(await readConfigInThread(file)),
    version: packageFile.version,
    log,
  });
  for (const line of startLines(config, server)) stdout.print(line);
  let told: Promise<ReloadReply> | undefined;
  process.on("SIGHUP", () => {
    const reload = server.reload();
    if (reload !== told) void tell(reload); // signals that share a reload are told once
    told = reload;
  });
  const signal = await firstSignal();
  stdout.print(`huck: ${signal}, stopping; running jobs go on at the next start`);
  await server.close();
}

/** If the file is refused, prints why; the server goes on with the old inventory. */
async function tell(reload: Promise<ReloadReply>): Promise<void> {
  try {
    const { nodes, atNextStart } = await reload;
    process.stdout.write(`huck: read huck.yaml again: ${countText(nodes, "node")}\n`);
    for (const setting of atNextStart) {
      process.stdout.write(`huck: ${setting} takes effect at the next start\n`);
    }
  } catch (thrown) {
    const cure = thrown instanceof SituationError ? ` ${thrown.cure}` : "";
    process.stderr.write(`huck: ${messageOf(thrown)}; the old inventory stays.${cure}\n`);
  }
}

/** What an admin wants to see when the server starts, on one screen. */
function startLines(config: Config, server: RunningServer): string[] {
  const { dhcp, bootPort, store, state } = config.server;
  const nodes = config.inventory.nodes;
  const free = nodes.filter(({ reimage }) => reimage === "free").length;
  const off = "off: nodes are started by hand";
  const boot = dhcp.mode === "off" ? off : `${dhcp.mode} DHCP, files on port ${bootPort}`;
  return [
    `huck ${packageFile.version} serves`,
    `  node API      ${server.nodeUrl}`,
    `  operator API  ${server.socket}`,
    `  boot          ${boot}`,
    `  images        ${store}`,
    `  state         ${state}`,
    `  nodes         ${nodes.length}, of these ${free} may be reimaged without --yes`,
    ...server.notes.map((note) => `  note          ${note}`),
  ];
}

/** Gives the first signal that stops the server. A second one ends the process at once. */
async function firstSignal(): Promise<string> {
  return await new Promise((resolve) => {
    let stops = false;
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        if (stops) endBySignal(signal, "ended at once; running jobs go on at the next start");
        stops = true;
        resolve(signal);
      });
    }
  });
}

const STDERR = 2;
