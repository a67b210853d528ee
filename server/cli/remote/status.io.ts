/**
 * `huck status`: shows power, ping, state, image and last verdict of nodes; with `--boot`, who
 * asked the boot services in the last hour, and why some got no answer.
 *
 * It exits with 6 if the server tried to read the power of a node and could not. A node whose power
 * nothing can tell (`power: manual`) is no fault.
 */
import type { Command } from "commander";
import { BootReport, NodeList, OperatorRoute } from "../../../shared/control/operator-api.ts";
import { ExitCode } from "../../../shared/core/errors.ts";
import { stdout } from "../terminal.io.ts";
import { allUnlessTyped, chosenNodes, lineTo, remote, takingNodes } from "./remote-options.io.ts";
import type { NodeOptions, RemoteOptions } from "./remote-options.io.ts";
import type { OperatorLine } from "./operator-line.io.ts";
import { statusLines } from "./status-text.ts";
import { bootLines } from "./text.ts";

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
      if (options.json === true)
        for (const node of shown) stdout.printJson({ kind: "status", ...node });
      else for (const text of statusLines(shown, stdout.columns)) stdout.print(text);
      const isKnown = shown.every(({ powerFailed }) => !powerFailed);
      process.exitCode = isKnown ? ExitCode.ok : ExitCode.unknown;
    },
  );
}

async function showBoot(line: OperatorLine, { json }: RemoteOptions): Promise<void> {
  const report = await line.get(OperatorRoute.boot, BootReport);
  if (json === true) stdout.printJson({ kind: "boot", ...report });
  else for (const text of bootLines(report, stdout.columns)) stdout.print(text);
}
