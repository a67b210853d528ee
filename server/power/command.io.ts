/**
 * The command power driver: switches nodes with the site's own commands.
 *
 * Each command runs under `sh -c` with NODE (name) and NODE_ADDRESS (address or empty) in its
 * environment, so that one line in `defaults:` serves every node. After switching, we believe only
 * what the `state` command prints (first word `on` or `off`), never that `on` or `off` exited with
 * 0. Without a `state` command the state stays unknown.
 */
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { SituationError } from "../../shared/core/errors.ts";
import type {
  PowerDeadline,
  PowerDriver,
  PowerKind,
  PowerReading,
  PowerState,
  SwitchedNode,
} from "./power-driver.ts";

/** A shell command of the site. It runs under `sh -c` with NODE and NODE_ADDRESS set. */
const Command = z.string().min(1).max(1000);

const CommandSettings = z.strictObject({
  driver: z.literal("command"),
  on: Command,
  off: Command,
  /** Absent: off, then on. */
  cycle: Command.optional(),
  /** Prints `on` or `off` as its first word. Absent: the state is never known. */
  state: Command.optional(),
  /** Bound of one command. Unit: seconds. */
  timeoutSeconds: z.number().int().min(1).max(600).default(30),
});
type CommandSettings = z.infer<typeof CommandSettings>;

/** Runs the commands of the site. */
export const commandPower: PowerKind<typeof CommandSettings> = {
  settings: CommandSettings,
  make: (node, settings) => new CommandPower(node, settings),
};

class CommandPower implements PowerDriver {
  readonly kind = "command";
  readonly #node: SwitchedNode;
  readonly #commands: CommandSettings;

  constructor(node: SwitchedNode, commands: CommandSettings) {
    this.#node = node;
    this.#commands = commands;
  }

  async state(deadline: PowerDeadline): Promise<PowerReading> {
    const { state } = this.#commands;
    if (state === undefined) return { power: "unknown", reason: NO_STATE, failed: false };
    const ran = await this.#run(state, deadline);
    const [word = ""] = ran.output.trim().toLowerCase().split(/\s+/, 1);
    if (ran.exitCode === 0 && (word === "on" || word === "off")) {
      return { power: word, reason: "", failed: false };
    }
    const wrong = ran.exitCode === 0 ? `printed neither on nor off${said(ran)}` : howEnded(ran);
    const cure = `Run it by hand with NODE=${this.#node.name}.`;
    return { power: "unknown", reason: `its state command ${wrong}. ${cure}`, failed: true };
  }

  async on(deadline: PowerDeadline): Promise<PowerState> {
    return await this.#switch(["on"], "on", deadline);
  }

  async off(_mode: "soft" | "hard", deadline: PowerDeadline): Promise<PowerState> {
    return await this.#switch(["off"], "off", deadline);
  }

  async cycle(deadline: PowerDeadline): Promise<PowerState> {
    const steps =
      this.#commands.cycle === undefined ? (["off", "on"] as const) : (["cycle"] as const);
    return await this.#switch(steps, "on", deadline);
  }

  /** Runs the steps, then asks for the state until it is the wanted one or time is up. */
  async #switch(
    steps: readonly ("on" | "off" | "cycle")[],
    wanted: PowerState,
    deadline: PowerDeadline,
  ): Promise<PowerState> {
    const until = performance.now() + deadline.timeoutMs;
    const left = (): PowerDeadline => ({
      ...deadline,
      timeoutMs: Math.max(1, until - performance.now()),
    });
    for (const step of steps) await this.#step(step, left().timeoutMs);
    if (this.#commands.state === undefined || aborted(deadline)) return "unknown";
    let { power: seen } = await this.state(left());
    while (seen !== wanted && performance.now() + ASK_EVERY_MS < until && !aborted(deadline)) {
      await pause(deadline.signal);
      if (!aborted(deadline)) ({ power: seen } = await this.state(left()));
    }
    return seen;
  }

  /**
   * No signal breaks a step off: a node that was switched off in a cycle is switched on again.
   *
   * @throws {@link SituationError} `power_failed`.
   */
  async #step(step: "on" | "off" | "cycle", timeoutMs: number): Promise<void> {
    const command = this.#commands[step];
    if (command === undefined) return;
    const ran = await this.#run(command, { timeoutMs });
    if (ran.exitCode === 0) return;
    throw new SituationError(
      "power_failed",
      `Cannot switch "${this.#node.name}" (${step}): its command ${howEnded(ran)}`,
      {
        cure: `Run the power command of "${this.#node.name}" by hand with NODE=${this.#node.name}.`,
      },
    );
  }

  async #run(command: string, deadline: PowerDeadline): Promise<Ran> {
    const timeoutMs = Math.min(this.#commands.timeoutSeconds * 1000, deadline.timeoutMs);
    const env = { ...process.env, NODE: this.#node.name, NODE_ADDRESS: this.#node.address };
    return await run(command, env, timeoutMs, deadline.signal);
  }
}

interface Ran {
  /** Undefined if we or a signal ended it, or if it could not start. */
  readonly exitCode: number | undefined;
  /** The first {@link OUTPUT_BYTES_MAX} bytes of both outputs. */
  readonly output: string;
}

/** Says how a command failed, and what it printed. */
function howEnded(ran: Ran): string {
  const how = ran.exitCode === undefined ? "did not end in time" : `exited with ${ran.exitCode}`;
  return `${how}${said(ran)}`;
}

function said({ output }: Ran): string {
  const text = output.trim();
  return text === "" ? "" : `: ${text.slice(0, SAID_MAX)}`;
}

/**
 * Runs a command in a process group of its own: if it does not end in time, we end it with its
 * children. Processes that it leaves in the background live on. We do not wait for them although
 * they hold the pipes open: `ssh` with ControlPersist leaves such a child.
 */
async function run(
  command: string,
  env: NodeJS.ProcessEnv,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Ran> {
  const child = spawn("/bin/sh", ["-c", command], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const kept: Buffer[] = [];
  let bytes = 0;
  const keep = (piece: Buffer): void => {
    if (bytes < OUTPUT_BYTES_MAX) kept.push(piece.subarray(0, OUTPUT_BYTES_MAX - bytes));
    bytes += piece.byteLength;
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const ended = Promise.withResolvers<number | null>();
  const end = (): void => {
    if (child.pid !== undefined) killGroup(child.pid);
    ended.resolve(null);
  };
  let timer = setTimeout(end, timeoutMs);
  signal?.addEventListener("abort", end, { once: true });
  child.once("error", () => {
    ended.resolve(null);
  });
  child.once("close", ended.resolve); // all of its output is here
  child.once("exit", (exitCode) => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
    timer = setTimeout(ended.resolve, OUTPUT_GRACE_MS, exitCode);
  });
  try {
    const exitCode = await ended.promise;
    return { exitCode: exitCode ?? undefined, output: Buffer.concat(kept).toString("utf8") };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
    child.stdout.destroy();
    child.stderr.destroy();
    child.unref();
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "ESRCH") throw thrown; // it ended by itself
  }
}

/** Waits {@link ASK_EVERY_MS}, or less if the signal aborts. */
async function pause(signal: AbortSignal | undefined): Promise<void> {
  await sleep(ASK_EVERY_MS, undefined, signal === undefined ? {} : { signal }).catch(
    () => undefined, // only the signal ends it early, and the caller looks at that
  );
}

function aborted(deadline: PowerDeadline): boolean {
  return deadline.signal?.aborted === true;
}

const NO_STATE = "its entry in huck.yaml has no `state` command";
/** How much output of one command is kept. */
const OUTPUT_BYTES_MAX = 16 << 10;
/** How much of it an error quotes. */
const SAID_MAX = 200;
/** After a command's exit, the rest of its output arrives within this time. */
const OUTPUT_GRACE_MS = 200;
/** Time between two runs of the state command. */
const ASK_EVERY_MS = 500;
