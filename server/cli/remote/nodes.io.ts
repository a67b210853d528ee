/**
 * `huck nodes`: prints the names that a range stands for, one per line.
 */
import type { Command } from "commander";
import { stdout } from "../terminal.io.ts";
import { allUnlessTyped, chosenNodes, lineTo, remote, takingNodes } from "./remote-options.io.ts";
import type { NodeOptions, RemoteOptions } from "./remote-options.io.ts";

/** Describes `huck nodes` on a fresh command, which it gives back. */
export function nodesCommand(command: Command): Command {
  return takingNodes(remote(command)).action(
    async (words: string[], options: RemoteOptions & NodeOptions) => {
      const chosen = allUnlessTyped(words, options);
      for (const { name, macs } of await chosenNodes(lineTo(options), words, chosen)) {
        if (options.json === true) stdout.printJson({ kind: "node", node: name, macs });
        else stdout.print(name);
      }
    },
  );
}
