/**
 * `huck job list`, `huck job show` and `huck job abort`: loads and saves, also those that others
 * began. One is given by its id, or by the first digits of it.
 */
import type { Command } from "commander";
import { principalText } from "../../../shared/control/principal.ts";
import { IdStart } from "../../../shared/control/names.ts";
import { JobList, JobStatus, OperatorRoute } from "../../../shared/control/operator-api.ts";
import type { JobEntry } from "../../../shared/control/operator-api.ts";
import { nameOption } from "../option-values.ts";
import { table } from "../layout.ts";
import { stdout } from "../terminal.io.ts";
import { lineTo, remote } from "./remote-options.io.ts";
import type { RemoteOptions } from "./remote-options.io.ts";
import { okText, jobPrefix, verdictText } from "./text.ts";

/** Describes `huck job list` on a fresh command, which it gives back. */
export function listJobsCommand(command: Command): Command {
  return remote(command).action(async (options: RemoteOptions) => {
    const { jobs } = await lineTo(options).get(OperatorRoute.jobs, JobList);
    if (options.json === true) for (const job of jobs) stdout.printJson({ kind: "job", ...job });
    else {
      const room = { columns: stdout.columns, drop: LIST_DROP };
      for (const text of table([LIST_HEAD, ...jobs.map(rowOfJob)], room)) stdout.print(text);
    }
  });
}

/** Describes `huck job show` on a fresh command, which it gives back. */
export function showJobCommand(command: Command): Command {
  return takingJob(command).action(async (job: string, options: RemoteOptions) => {
    const status = await lineTo(options).get(`${OperatorRoute.jobs}/${job}`, JobStatus);
    if (options.json === true) stdout.printJson({ kind: "job_status", ...status });
    else for (const text of linesOf(status)) stdout.print(text);
  });
}

/** Describes `huck job abort` on a fresh command, which it gives back. */
export function abortJobCommand(command: Command): Command {
  return takingJob(command).action(async (job: string, options: RemoteOptions) => {
    const line = lineTo(options);
    const { job: id } = await line.get(`${OperatorRoute.jobs}/${job}`, JobStatus);
    await line.delete(`${OperatorRoute.jobs}/${id}`);
    if (options.json === true) stdout.printJson({ kind: "aborting", job: id });
    else stdout.print(`job ${jobPrefix(id)} is aborting`);
  });
}

function takingJob(command: Command): Command {
  const help = "of `huck job list`, or its first digits";
  return remote(command).argument("<id>", help, nameOption("<id>", IdStart));
}

function linesOf(status: JobStatus): string[] {
  const { action, image, state, createdAt, principal, nodes } = status;
  const by = principalText(principal);
  const head = `${action} of ${image}, begun ${createdAt} by ${by}: ${state}`;
  const rows = nodes.map(({ node, phase, verdict, waitsUntil }) => [
    node,
    verdict === null ? `${phase}${waitText(waitsUntil)}` : verdictText(verdict),
  ]);
  return [head, ...table(rows, { columns: stdout.columns, drop: [] })];
}

function waitText(waitsUntil: string | undefined): string {
  return waitsUntil === undefined ? "" : `, must speak by ${waitsUntil.slice(11, 19)}`;
}

function rowOfJob(entry: JobEntry): string[] {
  const { job, state, action, image, nodes, nodesOk, nodesNotOk, createdAt, principal } = entry;
  const counts = `${okText(nodesOk, nodes)}${nodesNotOk > 0 ? `, ${nodesNotOk} NOT` : ""}`;
  const begun = createdAt.slice(0, 16).replace("T", " ");
  return [jobPrefix(job), state, action, image, counts, begun, principalText(principal)];
}

const LIST_HEAD = ["job", "state", "action", "image", "nodes", "begun", "by"];
const LIST_DROP = ["by", "action", "begun"];
