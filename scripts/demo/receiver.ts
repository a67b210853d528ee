/**
 * A receiver as an ordinary process over a file that stands for its disk, behind a network that
 * loses datagrams.
 *
 * It gets the same arguments as a booted receiver and makes the same visit.
 */
import { isOk } from "../../shared/control/verdict.ts";
import { ExitCode, messageOf } from "../../shared/core/errors.ts";
import { openHost } from "../../receiver/host.io.ts";
import { parseReceiverOptions } from "../../receiver/options.ts";
import { visit } from "../../receiver/visit.ts";

const netThread = new URL("./net-thread.ts", import.meta.url);

try {
  const options = parseReceiverOptions(process.argv.slice(2).join(" "));
  const { verdict } = await visit(openHost(options, { print: console.log, netThread }));
  process.exitCode = verdict !== undefined && isOk(verdict) ? ExitCode.ok : 1;
} catch (error) {
  console.log(`huck: receiver stops: ${messageOf(error)}`);
  process.exitCode = ExitCode.unknown;
}
