/**
 * The receiver: PID 1 of the initramfs, or an ordinary process that works on files instead of
 * disks.
 *
 * Both get the same options (options.ts) and run the same code (visit.ts). PID 1 is also all there
 * is of an operating system: it mounts file systems, loads drivers, sets the address, and in the
 * end restarts the node. There it never returns, because that would panic the kernel.
 */
import { readFileSync, writeSync } from "node:fs";
import { isOk } from "../shared/control/verdict.ts";
import { ExitCode, messageOf } from "../shared/core/errors.ts";
import { endKernel } from "../shared/linux/power.io.ts";
import { NET_THREAD } from "../shared/session/reception/reception-thread.io.ts";
import { openHost } from "./host.io.ts";
import { leaveDriver } from "./leave/leave-drivers.io.ts";
import { parseReceiverOptions } from "./options.ts";
import { connect, findDevices, mountAll } from "./init/setup.io.ts";
import { VERSION } from "./version.ts";
import { visit } from "./visit.ts";
import type { VisitEnd } from "./visit.ts";

const STDOUT = 1;
/** A node that failed shows the reason for this long before it restarts. Unit: milliseconds. */
const SHOW_FAILURE_MS = 10_000;

function print(line: string): void {
  writeSync(STDOUT, `${line}\n`);
}

async function asProcess(): Promise<number> {
  const options = parseReceiverOptions(process.argv.slice(2).join(" "));
  const { verdict } = await visit(openHost(options, { print, netThread: NET_THREAD }));
  return verdict === undefined || isOk(verdict) ? ExitCode.ok : ExitCode.someNodeNotRight;
}

async function asPid1(): Promise<never> {
  let end: VisitEnd = { verdict: undefined, leave: "reboot" };
  let failed = false;
  try {
    print(`huck: receiver ${VERSION}`);
    mountAll();
    const options = parseReceiverOptions(readFileSync("/proc/cmdline", "utf8"));
    const boot = await findDevices(options, (text) => {
      print(`huck: ${text}`);
    });
    await connect(boot, options);
    print(`huck: network ${boot.name} ${options.network?.address ?? ""}`);
    end = await visit(openHost(options, { print, netThread: NET_THREAD }));
    failed = end.verdict !== undefined && !isOk(end.verdict);
  } catch (error) {
    print(`huck: receiver stops: ${messageOf(error)}`);
    failed = true;
  }
  if (failed) await new Promise((resolve) => setTimeout(resolve, SHOW_FAILURE_MS));
  print(`huck: leaving (${end.leave})`);
  return await leaveDriver(end.leave).leave();
}

function onFault(error: unknown): void {
  print(`huck: fault: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  if (process.pid === 1) endKernel("restart");
  process.exit(ExitCode.unknown);
}

process.on("uncaughtException", onFault);
process.on("unhandledRejection", onFault);
if (process.pid === 1) void asPid1();
else {
  asProcess().then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      print(`huck: receiver stops: ${messageOf(error)}`);
      process.exitCode = ExitCode.unknown;
    },
  );
}
