/**
 * The readings that prove images: one image is read at a time, for all loads that wait for it.
 *
 * The one idea: a reading belongs to the loads that still want it. The last one that ends takes it
 * away, begun or not, so that no load waits behind the proof of an aborted one.
 */
import { messageOf } from "../../shared/core/errors.ts";

/** Which image: a name whose file was replaced is another image, be its content the same. */
export interface ProofSubject {
  readonly name: string;
  /** 64 hexadecimal digits. */
  readonly id: string;
  /** Identity of the very file; undefined for whatever has the name. */
  readonly file: string | undefined;
}

/** What a queue is made with. None of these but `prove` may throw. */
export interface ProofQueueParts {
  /** Reads the very image; rejects with what is wrong with it. */
  readonly prove: (image: ProofSubject, signal: AbortSignal) => Promise<void>;
  /** @returns Whether the load still waits for the proof. False is for ever. */
  readonly isWanted: (job: string) => boolean;
  /**
   * Told once per load: the fault, or undefined when the image is whole or nobody waits for the
   * proof any longer.
   */
  readonly proven: (job: string, fault: string | undefined) => void;
  /** A reading has ended; `next` is wanted. */
  readonly idle: () => void;
}

interface Proof {
  readonly image: ProofSubject;
  readonly jobs: Set<string>;
  readonly stop: AbortController;
}

/** Which images are read, and for whom. */
export class ProofQueue {
  readonly #parts: ProofQueueParts;
  /** In the order of their loads; the first one is being read. */
  readonly #proofs: Proof[] = [];
  #reading = false;
  #closed = false;

  /** @param parts - See {@link ProofQueueParts}. */
  constructor(parts: ProofQueueParts) {
    this.#parts = parts;
  }

  /**
   * Adds a load: to the reading of its image if there is one, else behind all others.
   *
   * @param job - The load.
   * @param image - Its image.
   */
  add(job: string, image: ProofSubject): void {
    const same = this.#proofs.find(
      (proof) =>
        proof.image.id === image.id &&
        proof.image.name === image.name &&
        proof.image.file === image.file &&
        !proof.stop.signal.aborted,
    );
    if (same === undefined) {
      this.#proofs.push({ image, jobs: new Set([job]), stop: new AbortController() });
    } else same.jobs.add(job);
  }

  /** Breaks off what nobody wants and reads the next image, if none is being read. */
  next(): void {
    if (this.#closed) return;
    for (const proof of this.#proofs) this.#dropUnwanted(proof);
    while (!this.#reading) {
      const [first] = this.#proofs;
      if (first === undefined) return;
      if (first.stop.signal.aborted) this.#proofs.shift();
      else void this.#read(first);
    }
  }

  /** Breaks every reading off; no load is told. */
  close(): void {
    this.#closed = true;
    for (const { stop } of this.#proofs) stop.abort();
  }

  #dropUnwanted(proof: Proof): void {
    for (const job of proof.jobs) {
      if (this.#parts.isWanted(job)) continue;
      proof.jobs.delete(job);
      this.#parts.proven(job, undefined);
    }
    if (proof.jobs.size === 0) proof.stop.abort();
  }

  /** Whatever stands between us and a proof, nothing is written without one. */
  async #read(proof: Proof): Promise<void> {
    this.#reading = true;
    const { prove, proven, idle } = this.#parts;
    const fault = await prove(proof.image, proof.stop.signal).then(() => undefined, messageOf);
    this.#reading = false;
    if (this.#closed) return;
    this.#proofs.shift();
    for (const job of proof.jobs) proven(job, fault);
    idle();
  }
}
