/**
 * Verbs that look: `nodes`, `status`, `image list`; and the small ones that end things: `image
 * trash`, `job abort`.
 */
import type { Command } from "commander";
import {
  ImageList,
  JobStatus,
  NodeList,
  OperatorRoute,
} from "../../../shared/control/operator-api.ts";
import type { NodeStatus } from "../../../shared/control/operator-api.ts";
import { Id128, ImageName } from "../../../shared/control/names.ts";
import { principalText } from "../../../shared/control/principal.ts";
import { chosenNodes, lineTo, remote, takingNodes, valueOf } from "./remote-options.io.ts";
import type { NodeOptions, RemoteOptions } from "./remote-options.io.ts";
import { bytesText, table, verdictText } from "./text.ts";

/**
 * Describes `nodes`: the names that a range stands for, one per line.
 *
 * @param command - A fresh command.
 * @returns The same command.
 */
export function nodesCommand(command: Command): Command {
  return takingNodes(remote(command))
    .description("print the names that a range of nodes stands for")
    .action(async (words: string[], options: RemoteOptions & NodeOptions) => {
      for (const node of await chosenNodes(
        lineTo(options),
        words,
        allUnlessTyped(words, options),
      )) {
        put(
          options.json === true ? JSON.stringify({ node: node.name, macs: node.macs }) : node.name,
        );
      }
    });
}

/**
 * Describes `status`: power, ping and last verdict of nodes.
 *
 * @param command - A fresh command.
 * @returns The same command.
 */
export function statusCommand(command: Command): Command {
  return takingNodes(remote(command))
    .description("ping nodes and tell how they stand")
    .action(async (words: string[], options: RemoteOptions & NodeOptions) => {
      const line = lineTo(options);
      const chosen = await chosenNodes(line, words, allUnlessTyped(words, options));
      const names = new Set(chosen.map(({ name }) => name));
      const { nodes } = await line.get(`${OperatorRoute.nodes}?ping=1`, NodeList);
      const shown = nodes.filter(({ name }) => names.has(name));
      if (options.json === true) for (const node of shown) put(JSON.stringify(node));
      else for (const text of table([STATUS_HEAD, ...shown.map(statusRow)])) put(text);
    });
}

/**
 * Describes `image list` and `image trash`.
 *
 * @param command - The command `image`; other verbs may be added to it.
 * @returns The same command.
 */
export function imageCommand(command: Command): Command {
  remote(command.command("list"))
    .description("list the images of the server's store")
    .action(async (options: RemoteOptions) => {
      await listImages(options);
    });
  remote(command.command("trash"))
    .description("take an image out of sight; its file stays in the trash")
    .argument("<name>", "the image", valueOf(ImageName))
    .action(async (name: string, options: RemoteOptions) => {
      await lineTo(options).delete(`${OperatorRoute.images}/${encodeURIComponent(name)}`);
      put(
        options.json === true
          ? JSON.stringify({ kind: "trashed", image: name })
          : `${name} is in the trash`,
      );
    });
  return command;
}

/**
 * Describes `job show` and `job abort`.
 *
 * @param command - The command `job`.
 * @returns The same command.
 */
export function jobCommand(command: Command): Command {
  remote(command.command("show"))
    .description("tell how a load or save stands")
    .argument("<id>", "as image-load or image-save printed it", valueOf(Id128))
    .action(async (id: string, options: RemoteOptions) => {
      const status = await lineTo(options).get(`${OperatorRoute.jobs}/${id}`, JobStatus);
      if (options.json === true) put(JSON.stringify(status));
      else for (const text of jobLines(status)) put(text);
    });
  remote(command.command("abort"))
    .description("end a load or save; nodes stop at the next safe point")
    .argument("<id>", "as image-load or image-save printed it", valueOf(Id128))
    .action(async (id: string, options: RemoteOptions) => {
      await lineTo(options).delete(`${OperatorRoute.jobs}/${id}`);
      put(
        options.json === true
          ? JSON.stringify({ kind: "aborting", job: id })
          : `job ${id} is aborting`,
      );
    });
  return command;
}

async function listImages(options: RemoteOptions): Promise<void> {
  const { images, torn } = await lineTo(options).get(OperatorRoute.images, ImageList);
  if (options.json === true) {
    for (const image of images) put(JSON.stringify(image));
    for (const file of torn) put(JSON.stringify({ torn: file }));
    return;
  }
  const rows = images.map((image) => [
    image.name,
    image.id.slice(0, 12),
    bytesText(image.fileBytes),
    bytesText(image.usedBytes),
    bytesText(image.diskBytes),
    image.createdAt.slice(0, 16).replace("T", " "),
  ]);
  for (const text of table([IMAGE_HEAD, ...rows])) put(text);
  for (const file of torn) put(`${file}: no complete image`);
}

/** Looking is harmless: without nodes, all are meant. */
function allUnlessTyped(words: readonly string[], options: NodeOptions): NodeOptions {
  const silent = words.length === 0 && (process.env["NODES"] ?? "") === "";
  return silent ? { all: true } : options;
}

function statusRow(node: NodeStatus): string[] {
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

function jobLines(status: JobStatus): string[] {
  const { action, image, state, createdAt, principal, nodes } = status;
  const head = `${action} of ${image}, begun ${createdAt} by ${principalText(principal)}: ${state}`;
  const rows = nodes.map(({ node, phase, verdict }) => [
    node,
    verdict === null ? phase : verdictText(verdict),
  ]);
  return [head, ...table(rows)];
}

function put(text: string): void {
  process.stdout.write(`${text}\n`);
}

const STATUS_HEAD = ["node", "power", "ping", "phase", "image", "last"];
const IMAGE_HEAD = ["name", "id", "file", "used", "disk", "saved (UTC)"];
