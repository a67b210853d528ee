/**
 * `huck image-save`: saves the disk of a node as an image, and follows the node to its verdict.
 */
import type { Command } from "commander";
import type * as z from "zod";
import { ImageName } from "../../../shared/control/names.ts";
import { JobCreated, OperatorRoute, SaveRequest } from "../../../shared/control/operator-api.ts";
import type { LeaveMode } from "../../../shared/control/spec.ts";
import { ExitCode, SituationError } from "../../../shared/core/errors.ts";
import { followJob } from "./follow-job.io.ts";
import { durationOption, nameOption, wholeOption } from "../option-values.ts";
import { countText } from "../quantity-text.ts";
import {
  boundsOf,
  changingNodes,
  chosenNodes,
  lineTo,
  remote,
  wholeSeconds,
} from "./remote-options.io.ts";
import type { RemoteOptions } from "./remote-options.io.ts";

interface SaveOptions extends RemoteOptions {
  readonly output: string;
  readonly rawIfDirty?: true;
  readonly keepGaps?: true;
  readonly level?: number;
  readonly leave?: LeaveMode;
  readonly yes?: true;
  /** Unit: milliseconds. */
  readonly timeout?: number;
}

/** Describes `huck image-save` on a fresh command, which it gives back. */
export function saveCommand(command: Command): Command {
  const { level, deadlineSeconds } = SaveRequest.shape;
  return changingNodes(remote(command))
    .argument("<node>", "one node: a name or a number")
    .requiredOption(
      "-o, --output <name>",
      "name of the new image",
      nameOption("--output", ImageName),
    )
    .option("--raw-if-dirty", "keep every block of a file system that was not unmounted cleanly")
    .option("--keep-gaps", "keep all between partitions and behind file systems")
    .option(
      "--level <number>",
      "zstd level, 1 to 19 (default 3)",
      wholeOption("--level", boundsOf(level.unwrap())),
    )
    .option(
      "-t, --timeout <time>",
      "the verdict by then, like 20m; without a unit: seconds",
      durationOption("--timeout", boundsOf(deadlineSeconds.unwrap(), 1000)),
    )
    .action(async (word: string, options: SaveOptions) => {
      process.exitCode = await save(word, options);
    });
}

async function save(word: string, options: SaveOptions): Promise<ExitCode> {
  const line = lineTo(options);
  const [node, ...others] = await chosenNodes(line, [word], {});
  if (node === undefined || others.length > 0) {
    throw new SituationError(
      "bad_nodes",
      `Cannot save "${word}": it is ${countText(others.length + 1, "node")}, one wanted`,
      {
        cure: "Name one node.",
        exitCode: ExitCode.usage,
      },
    );
  }
  const request: z.input<typeof SaveRequest> = {
    node: node.name,
    name: options.output,
    rawIfDirty: options.rawIfDirty === true,
    keepGaps: options.keepGaps,
    level: options.level,
    leave: options.leave,
    confirmed: options.yes === true,
    deadlineSeconds: wholeSeconds(options.timeout),
  };
  const created = await line.post(OperatorRoute.saves, request, JobCreated);
  return await followJob({
    line,
    created,
    title: `save ${node.name} as ${options.output}`,
    image: options.output,
    json: options.json === true,
  });
}
