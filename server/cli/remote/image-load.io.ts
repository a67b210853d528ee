/**
 * `huck image-load`: writes an image to nodes, and follows them to their verdicts.
 */
import type { Command } from "commander";
import type * as z from "zod";
import { ImageName } from "../../../shared/control/names.ts";
import {
  ImageList,
  JobCreated,
  LoadRequest,
  OperatorRoute,
} from "../../../shared/control/operator-api.ts";
import type { ImageEntry, NodeStatus } from "../../../shared/control/operator-api.ts";
import { VerifyLevel } from "../../../shared/control/spec.ts";
import type { LeaveMode } from "../../../shared/control/spec.ts";
import { ExitCode, SituationError } from "../../../shared/core/errors.ts";
import { nearestHint } from "../../../shared/core/nearest-name.ts";
import type { OperatorLine } from "./operator-line.io.ts";
import { followJob } from "./follow-job.io.ts";
import { choiceOption, durationOption, nameOption, rateOption } from "../option-values.ts";
import { countText, sizeText } from "../quantity-text.ts";
import { table } from "../layout.ts";
import { stdout } from "../terminal.io.ts";
import {
  boundsOf,
  changingNodes,
  chosenNodes,
  lineTo,
  remote,
  takingNodes,
  wholeSeconds,
} from "./remote-options.io.ts";
import type { NodeOptions, RemoteOptions } from "./remote-options.io.ts";

interface LoadOptions extends RemoteOptions, NodeOptions {
  readonly image: string;
  readonly verify?: VerifyLevel;
  readonly leave?: LeaveMode;
  readonly delta: boolean;
  readonly yes?: true;
  readonly dryRun?: true;
  /** Unit: bits per second. */
  readonly rate?: number;
  /** Unit: milliseconds. */
  readonly gather?: number;
  /** Unit: milliseconds. */
  readonly timeout?: number;
}

/** Describes `huck image-load` on a fresh command, which it gives back. */
export function loadCommand(command: Command): Command {
  const { gatherSeconds, deadlineSeconds, rateBitsPerSecond } = LoadRequest.shape;
  return changingNodes(takingNodes(remote(command)))
    .requiredOption("-i, --image <name>", "image of the store", nameOption("--image", ImageName))
    .option(
      "--verify <level>",
      "read back: flush, sample (default) or full",
      choiceOption("--verify", VerifyLevel.options),
    )
    .option("--no-delta", "write everything, also what is on the disk already")
    .option(
      "-b, --rate <bits>",
      "most bits per second, like 500M",
      rateOption("--rate", boundsOf(rateBitsPerSecond.unwrap())),
    )
    .option(
      "--gather <time>",
      "begin when all nodes are there, or so long after the first with those that are; like 30s",
      durationOption("--gather", boundsOf(gatherSeconds.unwrap(), 1000)),
    )
    .option(
      "-t, --timeout <time>",
      "every verdict by then, like 5m; without a unit: seconds",
      durationOption("--timeout", boundsOf(deadlineSeconds.unwrap(), 1000)),
    )
    .option("--dry-run", "print the plan and stop")
    .action(async (words: string[], options: LoadOptions) => {
      process.exitCode = await load(words, options);
    });
}

async function load(words: readonly string[], options: LoadOptions): Promise<ExitCode> {
  const line = lineTo(options);
  const nodes = await chosenNodes(line, words, options);
  if (options.dryRun === true) return await printPlan(line, nodes, options);
  const request: z.input<typeof LoadRequest> = {
    image: options.image,
    nodes: nodes.map(({ name }) => name),
    verify: options.verify,
    leave: options.leave,
    delta: options.delta,
    confirmed: options.yes === true,
    rateBitsPerSecond: options.rate,
    gatherSeconds: wholeSeconds(options.gather),
    deadlineSeconds: wholeSeconds(options.timeout),
  };
  const created = await line.post(OperatorRoute.loads, request, JobCreated);
  return await followJob({
    line,
    created,
    title: `load ${options.image} to ${countText(nodes.length, "node")}`,
    image: options.image,
    json: options.json === true,
  });
}

/** Prints what would be done to which nodes, and what prevents it. Nothing is begun. */
async function printPlan(
  line: OperatorLine,
  nodes: readonly NodeStatus[],
  options: LoadOptions,
): Promise<ExitCode> {
  const image = await imageNamed(line, options.image);
  const against = nodes.map((node) => hindrance(node, options));
  if (options.json === true) {
    for (const [index, node] of nodes.entries()) {
      stdout.printJson({
        kind: "plan",
        image: image.name,
        node: node.name,
        hindrance: against[index] ?? null,
        disks: node.disks,
      });
    }
  } else {
    const sizes = `${sizeText(image.usedBytes)} of a disk of ${sizeText(image.diskBytes)}`;
    stdout.print(`image ${image.name}, ${image.id.slice(0, 12)}: ${sizes}`);
    const rows = nodes.map((node, index) => [
      node.name,
      node.reimage,
      disksText(node),
      against[index] ?? "ready",
    ]);
    for (const text of table([PLAN_HEAD, ...rows], { columns: stdout.columns, drop: PLAN_DROP }))
      stdout.print(text);
  }
  return against.every((one) => one === undefined) ? ExitCode.ok : ExitCode.refused;
}

function hindrance(node: NodeStatus, options: LoadOptions): string | undefined {
  if (node.job !== null) return `refused: belongs to job ${node.job}`;
  if (node.reimage === "confirm" && options.yes !== true) return "refused: needs --yes";
  return undefined;
}

function disksText(node: NodeStatus): string {
  if (node.disks.length === 0) return "never seen";
  const disks = node.disks.map(({ path, sizeBytes, serial }) =>
    `${path} ${sizeText(sizeBytes)} ${serial}`.trim(),
  );
  return disks.join(", ");
}

/** @throws {@link SituationError} `no_such_image`. */
async function imageNamed(line: OperatorLine, name: string): Promise<ImageEntry> {
  const { images } = await line.get(OperatorRoute.images, ImageList);
  const found = images.find((image) => image.name === name);
  if (found !== undefined) return found;
  throw new SituationError(
    "no_such_image",
    `Cannot find image "${name}": the store has none of this name`,
    {
      cure:
        nearestHint(
          images.map((image) => image.name),
          name,
        ) + "`huck image list` prints all names.",
    },
  );
}

const PLAN_HEAD = ["node", "reimage", "disks last seen", "plan"];
const PLAN_DROP = ["disks last seen", "reimage"];
