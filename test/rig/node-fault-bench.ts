/**
 * A real server and a real receiver over a file: a load and a save in which a call of one of them
 * fails, or one of them is killed; then what is left is judged, and the same is done without fault.
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { faultyEnvironment, makeFaultyLibc } from "./faulty-libc.ts";
import type { PlannedFault } from "./faulty-libc.ts";
import type { FaultRun } from "./fault-bench.ts";
import { FileNode } from "./file-node.ts";
import { LabServer } from "./huck-server.ts";
import { gptDisk } from "./image-fixtures.ts";
import { Lab } from "./network-lab.ts";

/** What is done under faults. */
export const NODE_WORKS = ["load", "save"] as const;
export type NodeWork = (typeof NODE_WORKS)[number];
/** Whose calls fail, or who is killed. */
export type FaultSide = "node" | "server";

/** One lab with one node. The caller closes it. Needs root. */
export class NodeFaultBench {
  readonly #folder: string;
  readonly #library: string;
  readonly #lab: Lab;
  readonly #node: FileNode;
  readonly #server: LabServer;
  #loaded = "";
  #faultyServer = true;

  /** @param folder - Empty. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#library = makeFaultyLibc(folder);
    this.#lab = new Lab("fault");
    this.#node = new FileNode(this.#lab, "n1", 11);
    this.#server = new LabServer(this.#lab, this.#at("server"), {
      nodes: [this.#node.settings],
      server: { dhcp: { mode: "off" }, silenceSeconds: 5, returnSeconds: 0 },
    });
    mkdirSync(this.#at("server/images"), { recursive: true });
    writeFileSync(this.#at("source"), gptDisk());
  }

  /** Makes the image that is loaded, and learns what a good load writes. */
  async prepare(): Promise<void> {
    await this.#server.importImage(this.#at("source"), "whole");
    const run = await this.#work("load", {});
    if (run.exitCode !== 0) throw new Error(`cannot prepare: ${run.errors}`);
    this.#loaded = digestOf(this.#at("target"));
  }

  async close(): Promise<void> {
    await this.#server.stop();
    await this.#lab.close();
  }

  /** Runs a work in which a call of one side fails. */
  async fail(work: NodeWork, side: FaultSide, fault: PlannedFault): Promise<FaultRun> {
    rmSync(this.#at("count"), { force: true });
    const environment = faultyEnvironment(this.#library, fault, this.#at("count"));
    return await this.#judged(work, { [side]: environment });
  }

  /** Runs a work and kills one side; a killed server is started again. */
  async kill(work: NodeWork, side: FaultSide, afterMs: number): Promise<FaultRun> {
    return await this.#judged(work, { kills: { side, afterMs } });
  }

  async #judged(work: NodeWork, plan: Plan): Promise<FaultRun> {
    const run = await this.#work(work, plan);
    const wrong = [...this.#wrongEnd(work, run.exitCode), ...(await this.#wrongRemains(work))];
    const calls = existsSync(this.#at("count")) ? statSync(this.#at("count")).size : 0;
    return { ...run, calls, wrong };
  }

  /** One load or save, from a fresh disk to the end of the verb. */
  async #work(work: NodeWork, plan: Plan): Promise<{ exitCode: number | null; errors: string }> {
    rmSync(this.#at("server/images/new.huck"), { force: true });
    if (work === "load") writeFileSync(this.#at("target"), new Uint8Array(8 << 20).fill(5));
    await this.#freshServer(plan.server);
    const words =
      work === "load" ? ["image-load", "-i", "whole", "--no-delta"] : ["image-save", "-o", "new"];
    const verb = this.#server.begin(...words, "1", "-t", "40s");
    await verb.until(({ kind }) => kind === "begin").catch(() => undefined);
    const disk = [this.#at(work === "load" ? "target" : "source")];
    const visit = await this.#node.visit(this.#server, disk, [], plan.node).catch(() => undefined);
    if (plan.kills !== undefined) {
      await sleep(plan.kills.afterMs);
      if (plan.kills.side === "node") visit?.process.kill("SIGKILL");
      else {
        await this.#server.stop("SIGKILL");
        await this.#server.start();
      }
    }
    const { exitCode, errors, lines } = await verb.ended;
    visit?.process.kill("SIGKILL");
    await visit?.ended;
    const verdicts = lines.filter(({ kind }) => kind === "verdict");
    return { exitCode, errors: `${errors}${JSON.stringify(verdicts)}` };
  }

  async #freshServer(environment: Readonly<Record<string, string>> | undefined): Promise<void> {
    if (environment === undefined && !this.#faultyServer) return;
    await this.#server.stop();
    this.#faultyServer = environment !== undefined;
    await this.#server.start(environment ?? {});
  }

  #wrongEnd(work: NodeWork, exitCode: number | null): string[] {
    const image = this.#at("server/images/new.huck");
    if (exitCode === null) return ["the verb was killed"];
    if (work === "save") {
      if (exitCode === 0 && !existsSync(image)) return ["exit 0, but there is no image"];
      return exitCode !== 0 && existsSync(image)
        ? [`exit ${exitCode}, but the image is there`]
        : [];
    }
    const bytes = readFileSync(this.#at("target"));
    const isRight = digestOf(this.#at("target")) === this.#loaded;
    const isUntouched = bytes.every((byte) => byte === 5);
    if (exitCode === 0 && !isRight) return ["exit 0, but the disk is not the image"];
    if (exitCode === 4 && !isUntouched) return ["exit 4, but the disk was changed"];
    const door = bytes.subarray(0, 512).toString("latin1");
    const isTold = door.startsWith("HUCKGATE") || door.replaceAll("\0", "") === "";
    return isRight || isUntouched || isTold || door === "\x05".repeat(512)
      ? []
      : ["a half disk that does not say so"];
  }

  /** What is left for the next start, which then does the same work without a fault. */
  async #wrongRemains(work: NodeWork): Promise<string[]> {
    this.#faultyServer = true;
    const again = await this.#work(work, {});
    const wrong = again.exitCode === 0 ? [] : [`the next one fails: ${again.errors}`];
    const left = readdirSync(this.#at("server/images")).filter((name) => /draft|part/.test(name));
    if (left.length > 0) wrong.push(`the next start leaves ${left.join(", ")}`);
    return [...wrong, ...this.#wrongEnd(work, again.exitCode)];
  }

  #at(name: string): string {
    return join(this.#folder, name);
  }
}

/** Variables for either side, or who is killed. */
interface Plan {
  readonly node?: Readonly<Record<string, string>>;
  readonly server?: Readonly<Record<string, string>>;
  readonly kills?: { readonly side: FaultSide; readonly afterMs: number };
}

function digestOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
