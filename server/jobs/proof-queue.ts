/**
 * The queue of proofs: reads one image at a time, for all loads that wait for it.
 *
 * A reading goes on as long as one load still wants it. When the last of these ends, the reading is
 * removed, even if it has begun, so that no load waits behind the proof for an aborted one.
 */
import { messageOf } from "../../shared/core/errors.ts";

/** An image to prove. If the file behind a name is replaced, that is another image to prove. */
export interface ProofSubject {
  readonly name: string;
  /** 64 hexadecimal digits. */
  readonly id: string;
  /** Identity of the file to read; undefined: whatever file has the name. */
  readonly file: string | undefined;
}

/** What a queue is made with. Only `prove` may throw. */
export interface ProofQueueParts {
  /** Reads the image; rejects with what is wrong with it. */
  readonly prove: (image: ProofSubject, signal: AbortSignal) => Promise<void>;
  /** Whether the load still waits for the proof. Once false, it must stay false. */
  readonly isWanted: (job: string) => boolean;
  /**
   * Called once per load, with the fault. Undefined: the image is whole, or the load no longer
   * waits for the proof.
   */
  readonly proven: (job: string, fault: string | undefined) => void;
  /** Called when a reading has ended; the callee then calls `next`. */
  readonly idle: () => void;
}

interface Proof {
  readonly image: ProofSubject;
  readonly jobs: Set<string>;
  readonly stop: AbortController;
}

/** Decides which image is read, and for which loads. */
export class ProofQueue {
  readonly #parts: ProofQueueParts;
  /** In the order in which their loads came; the first one is being read. */
  readonly #proofs: Proof[] = [];
  #reading = false;
  #closed = false;

  constructor(parts: ProofQueueParts) {
    this.#parts = parts;
  }

  /** Adds a load to the reading of its image if there is one, else behind all others. */
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

  /** Breaks off the readings that no load wants, then begins the next one if none is running. */
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

  /** Breaks all readings off. No load is told. */
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

  /** Whatever `prove` throws is the load's fault: nothing is written without a proof. */
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
