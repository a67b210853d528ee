/**
 * `huck status`: shows power, ping, phase and last verdict of nodes; with `--boot`, who asked the
 * boot services in the last hour, and why some got no answer.
 */
import type { Command } from "commander";
import { BootReport, NodeList, OperatorRoute } from "../../../shared/control/operator-api.ts";
import type { NodeStatus } from "../../../shared/control/operator-api.ts";
import { stdout } from "../terminal.io.ts";
import { allUnlessTyped, chosenNodes, lineTo, remote, takingNodes } from "./remote-options.io.ts";
import type { NodeOptions, RemoteOptions } from "./remote-options.io.ts";
import type { OperatorLine } from "./operator-line.io.ts";
import { bootLines, table, verdictText } from "./text.ts";

/** Describes `huck status` on a fresh command, which it gives back. */
export function statusCommand(command: Command): Command {
  const described = takingNodes(remote(command)).option(
    "--boot",
    "who asked the boot services in the last hour, unknown MACs first",
  );
  return described.action(
    async (words: string[], options: RemoteOptions & NodeOptions & { boot?: true }) => {
      const line = lineTo(options);
      if (options.boot === true) {
        await showBoot(line, options);
        return;
      }
      const chosen = await chosenNodes(line, words, allUnlessTyped(words, options));
      const names = new Set(chosen.map(({ name }) => name));
      const { nodes } = await line.get(`${OperatorRoute.nodes}?ping=1`, NodeList);
      const shown = nodes.filter(({ name }) => names.has(name));
      if (options.json === true) for (const node of shown) stdout.printJson(node);
      else for (const text of table([HEAD, ...shown.map(rowOf)])) stdout.print(text);
    },
  );
}

async function showBoot(line: OperatorLine, { json }: RemoteOptions): Promise<void> {
  const report = await line.get(OperatorRoute.boot, BootReport);
  if (json === true) stdout.printJson(report);
  else for (const text of bootLines(report)) stdout.print(text);
}

function rowOf(node: NodeStatus): string[] {
  return [node.name, node.power, pingText(node), node.phase, node.image ?? "", lastText(node)];
}

function pingText(node: NodeStatus): string {
  if (node.reachable === null) return "not asked";
  return node.pingMs === null ? "no answer" : `${node.pingMs.toFixed(1)} ms`;
}

function lastText(node: NodeStatus): string {
  if (node.job !== null) return `job ${node.job}`;
  if (node.verdict === null) return "";
  return `${node.verdict.at.slice(0, 16).replace("T", " ")} ${verdictText(node.verdict)}`;
}

const HEAD = ["node", "power", "ping", "phase", "image", "last"];
