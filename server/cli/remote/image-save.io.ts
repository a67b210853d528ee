/**
 * `image-save`: saves the disk of a node as an image, and follows the node to its verdict.
 */
import type { Command } from "commander";
import type * as z from "zod";
import { ImageName } from "../../../shared/control/names.ts";
import { JobCreated, OperatorRoute, SaveRequest } from "../../../shared/control/operator-api.ts";
import { LeaveMode } from "../../../shared/control/spec.ts";
import { ExitCode, SituationError } from "../../../shared/core/errors.ts";
import { followJob } from "./follow-job.io.ts";
import { chosenNodes, lineTo, remote, valueOf } from "./remote-options.io.ts";
import type { RemoteOptions } from "./remote-options.io.ts";

interface SaveOptions extends RemoteOptions {
  readonly output: string;
  readonly rawIfDirty?: true;
  readonly level?: number;
  readonly leave?: LeaveMode;
  readonly yes?: true;
  readonly timeout?: number;
}

/**
 * Describes the verb.
 *
 * @param command - A fresh command.
 * @returns The same command.
 */
export function saveCommand(command: Command): Command {
  const { level, deadlineSeconds } = SaveRequest.shape;
  return remote(command)
    .description("save the disk of a node as an image")
    .argument("<node>", "one node: a name or a number")
    .requiredOption("-o, --output <name>", "name of the new image", valueOf(ImageName))
    .option("--raw-if-dirty", "keep every block of a file system that was not unmounted cleanly")
    .option("--level <1..19>", "zstd level (default 3)", valueOf(level.unwrap(), Number))
    .option(
      "--leave <mode>",
      "then: reboot, poweroff or stay (default: as huck.yaml says, else reboot)",
      valueOf(LeaveMode),
    )
    .option(
      "-t, --timeout <seconds>",
      "the verdict by then",
      valueOf(deadlineSeconds.unwrap(), Number),
    )
    .option("-y, --yes", "also a node that is marked `reimage: confirm`")
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
      `Cannot save "${word}": ${others.length + 1} nodes, one wanted`,
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
    level: options.level,
    leave: options.leave,
    confirmed: options.yes === true,
    deadlineSeconds: options.timeout,
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
