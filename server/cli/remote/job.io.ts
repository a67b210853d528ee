/**
 * `huck job show` and `huck job abort`: show or abort one load or save, given by its id.
 */
import type { Command } from "commander";
import { principalText } from "../../../shared/control/principal.ts";
import { Id128 } from "../../../shared/control/names.ts";
import { JobStatus, OperatorRoute } from "../../../shared/control/operator-api.ts";
import { nameOption } from "../option-values.ts";
import { stdout } from "../terminal.io.ts";
import { lineTo, remote } from "./remote-options.io.ts";
import type { RemoteOptions } from "./remote-options.io.ts";
import { table, verdictText } from "./text.ts";

/** Describes `huck job show` on a fresh command, which it gives back. */
export function showJobCommand(command: Command): Command {
  return takingJob(command).action(async (job: string, options: RemoteOptions) => {
    const status = await lineTo(options).get(`${OperatorRoute.jobs}/${job}`, JobStatus);
    if (options.json === true) stdout.printJson(status);
    else for (const text of linesOf(status)) stdout.print(text);
  });
}

/** Describes `huck job abort` on a fresh command, which it gives back. */
export function abortJobCommand(command: Command): Command {
  return takingJob(command).action(async (job: string, options: RemoteOptions) => {
    await lineTo(options).delete(`${OperatorRoute.jobs}/${job}`);
    if (options.json === true) stdout.printJson({ kind: "aborting", job });
    else stdout.print(`job ${job} is aborting`);
  });
}

function takingJob(command: Command): Command {
  const help = "as image-load or image-save printed it";
  return remote(command).argument("<id>", help, nameOption("<id>", Id128));
}

function linesOf(status: JobStatus): string[] {
  const { action, image, state, createdAt, principal, nodes } = status;
  const by = principalText(principal);
  const head = `${action} of ${image}, begun ${createdAt} by ${by}: ${state}`;
  const rows = nodes.map(({ node, phase, verdict }) => [
    node,
    verdict === null ? phase : verdictText(verdict),
  ]);
  return [head, ...table(rows)];
}
