/**
 * Runs a small save and a small restore with a planned fault or a kill, and judges what is left:
 * no half image, no false ok, no untrue exit code, nothing that the next start does not clean up.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decodeFooter } from "../../shared/image/header.ts";
import { faultyEnvironment, makeFaultyLibc } from "./faulty-libc.ts";
import type { PlannedFault } from "./faulty-libc.ts";
import { root } from "./huck-server.ts";
import { gptDisk } from "./image-fixtures.ts";

/** What is done under faults; `renew` overwrites a file that exists. */
export const FAULT_WORKS = ["save", "restore", "renew"] as const;
export type FaultWork = (typeof FAULT_WORKS)[number];

/** How a run ended, and what is wrong with that; empty if nothing is. */
export interface FaultRun {
  readonly exitCode: number | null;
  readonly errors: string;
  /** Calls that could have failed. */
  readonly calls: number;
  readonly wrong: readonly string[];
}

/** One folder with a disk, its image, and the library. */
export class FaultBench {
  readonly #folder: string;
  readonly #library: string;
  readonly #disk: Uint8Array;
  /** What a good restore writes; a file that existed keeps its bytes in free space. */
  readonly #right = new Map<FaultWork, string>();

  /** @param folder - Empty. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#library = makeFaultyLibc(folder);
    this.#disk = gptDisk();
    writeFileSync(this.#at("disk.img"), this.#disk);
  }

  /** Makes the image that restores use, and learns what a good restore writes. */
  async prepare(): Promise<void> {
    const saved = await this.#huck(["image", "save", "disk.img", "-o", "whole"], {});
    if (saved.exitCode !== 0) throw new Error("cannot save");
    for (const work of ["restore", "renew"] as const) {
      this.#clear();
      this.#digestBefore(work);
      const restored = await this.#huck(WORDS[work], {});
      const again = await this.#huck(["image", "save", "out.img", "-o", work], {});
      const isSame = restored.exitCode === 0 && again.exitCode === 0;
      if (!isSame || this.#idOf(work) !== this.#idOf("whole")) throw new Error(`cannot ${work}`);
      this.#right.set(work, digestOf(this.#at("out.img")));
    }
  }

  #idOf(image: string): string {
    const bytes = readFileSync(this.#at(`${image}.huck`));
    const { imageId } = decodeFooter(bytes.subarray(-4096), bytes.length);
    return Buffer.from(imageId).toString("hex");
  }

  /** Runs a work in which a call fails. */
  async fail(work: FaultWork, fault: PlannedFault): Promise<FaultRun> {
    return await this.#judged(work, faultyEnvironment(this.#library, fault, this.#at("count")));
  }

  /** Runs a work and kills it, like a power cut that spares the disk. */
  async kill(work: FaultWork, afterMs: number): Promise<FaultRun> {
    return await this.#judged(work, {}, afterMs);
  }

  async #judged(
    work: FaultWork,
    environment: Readonly<Record<string, string>>,
    killAfterMs?: number,
  ): Promise<FaultRun> {
    this.#clear();
    const before = this.#digestBefore(work);
    const { exitCode, errors } = await this.#huck(WORDS[work], environment, killAfterMs);
    const calls = existsSync(this.#at("count")) ? statSync(this.#at("count")).size : 0;
    const wrong = [
      ...this.#wrongEnd(work, exitCode, before),
      ...(exitCode === null ? [] : wrongWords(exitCode, errors)),
      ...(await this.#wrongRemains(work)),
    ];
    return { exitCode, errors, calls, wrong };
  }

  #digestBefore(work: FaultWork): string {
    if (work === "renew") writeFileSync(this.#at("out.img"), new Uint8Array(8 << 20).fill(5));
    const target = this.#at(TARGET[work]);
    return existsSync(target) ? digestOf(target) : "";
  }

  /** An end that is not true. */
  #wrongEnd(work: FaultWork, exitCode: number | null, before: string): string[] {
    const target = this.#at(TARGET[work]);
    const after = existsSync(target) ? digestOf(target) : "";
    if (exitCode === 4 && after !== before) return ["exit 4, but the target was changed"];
    if (exitCode === 0 && work !== "save" && after !== this.#right.get(work)) {
      return ["exit 0, but the target is not the image"];
    }
    if (exitCode === 0 && after === "") return ["exit 0, but nothing is there"];
    if (exitCode !== null && exitCode !== 0 && work !== "renew" && after !== "") {
      return [`exit ${exitCode}, but it is there`];
    }
    if (work === "renew" && exitCode !== 0 && after !== before && after !== this.#right.get(work)) {
      const door = readFileSync(target).subarray(0, 512).toString("latin1");
      const zeros = door.replaceAll("\0", "") === "";
      if (!door.startsWith("HUCKGATE") && !zeros && !door.startsWith("\x05".repeat(512))) {
        return ["a half disk that does not say so"];
      }
    }
    if (work === "restore" && exitCode !== 0 && after !== "" && after !== this.#right.get(work)) {
      return ["a half file under the name that was typed"];
    }
    return [];
  }

  /** What is left for the next start, which then does the same work without a fault. */
  async #wrongRemains(work: FaultWork): Promise<string[]> {
    const wrong: string[] = [];
    if (work === "save" && existsSync(this.#at("out.huck"))) {
      const proof = await this.#huck(["image", "verify", "out"], {});
      if (proof.exitCode !== 0) wrong.push("a half image is visible");
      rmSync(this.#at("out.huck"));
    }
    if (work === "restore") rmSync(this.#at("out.img"), { force: true });
    const again = await this.#huck(WORDS[work], {});
    if (again.exitCode !== 0) wrong.push(`the next start fails: ${again.errors}`);
    const left = readdirSync(this.#folder).filter(
      (name) => name.startsWith(".draft-") || name.endsWith(".huck-part"),
    );
    if (left.length > 0) wrong.push(`the next start leaves ${left.join(", ")}`);
    return wrong;
  }

  #clear(): void {
    for (const name of ["count", "out.huck", "out.img"]) rmSync(this.#at(name), { force: true });
  }

  async #huck(
    words: readonly string[],
    environment: Readonly<Record<string, string>>,
    killAfterMs?: number,
  ): Promise<{ exitCode: number | null; errors: string }> {
    const child = spawn(process.execPath, [join(root, "huck.ts"), ...words], {
      cwd: this.#folder,
      env: { PATH: process.env["PATH"] ?? "", ...environment },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let errors = "";
    child.stderr.on("data", (piece: Buffer) => (errors += piece.toString()));
    const timer =
      killAfterMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfterMs);
    const exitCode = await new Promise<number | null>((resolve) => {
      child.once("close", resolve);
    });
    clearTimeout(timer);
    return { exitCode, errors };
  }

  #at(name: string): string {
    return join(this.#folder, name);
  }
}

function wrongWords(exitCode: number, errors: string): string[] {
  if (exitCode === 0) return [];
  if (/^ +at .*:\d+/m.test(errors)) return [`a stack trace: ${errors}`];
  if (!/^huck: .+\n {2}\S/m.test(errors)) return [`no message with a cure: ${errors}`];
  return [1, 4].includes(exitCode) ? [] : [`exit ${exitCode}`];
}

function digestOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

const WORDS: Readonly<Record<FaultWork, readonly string[]>> = {
  save: ["image", "save", "disk.img", "-o", "out"],
  restore: ["image", "restore", "whole", "out.img", "--verify", "full"],
  renew: ["image", "restore", "whole", "out.img", "--erase", "out.img", "--verify", "full"],
};
const TARGET: Readonly<Record<FaultWork, string>> = {
  save: "out.huck",
  restore: "out.img",
  renew: "out.img",
};
