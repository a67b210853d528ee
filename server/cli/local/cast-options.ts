/**
 * Options that `huck cast` and `huck catch` share: where on the network they meet, and how they
 * report.
 */
import type { Command } from "commander";
import { CAST_GROUP, CAST_PORT } from "../../../shared/wire/cast-session.ts";
import { groupOption, wholeOption } from "../option-values.ts";

export interface CastPlace {
  readonly interface?: string;
  /** Multicast address. */
  readonly group: string;
  /** UDP port of the data; receivers answer to the next one. */
  readonly port: number;
  readonly json?: boolean;
}

/** Adds `--interface`, `--group`, `--port` and `--json` to a command, which it gives back. */
export function castPlace(command: Command): Command {
  return command
    .option("--interface <name>", "network interface to use")
    .option("--group <address>", "multicast group", groupOption("--group"), CAST_GROUP)
    .option(
      "--port <number>",
      "UDP port of the data; receivers answer to the next one",
      wholeOption("--port", { least: 1, most: 65534 }),
      CAST_PORT,
    )
    .option("--json", "print events as JSON lines on standard output");
}
