/**
 * Errors that a program may meet through no fault of its own.
 *
 * There are three kinds. Our own bug is an `assert`. Bad input from net or disk is a
 * {@link FormatError}: counted, dropped or reported, never a crash. A situation that the operator
 * must change is a {@link SituationError}: message, cure, exit code. Messages read "Cannot <do>
 * <what>: <found>, <wanted>", quote strings and end without a period.
 */

/** Exit codes of every huck program; they never change (CONTROL.md section 2). */
export const ExitCode = {
  ok: 0,
  someNodeNotRight: 1,
  usage: 2,
  refused: 4,
  aborted: 5,
  unknown: 6,
} as const;
/** One of the {@link ExitCode} values. */
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Base of all errors with a stable `code` (lower snake case) that programs may switch on. */
export class HuckError extends Error {
  /** Stable name of the fault, lower snake case. */
  readonly code: string;

  /**
   * @param code - Stable name of the fault, lower snake case.
   * @param message - "Cannot <do> <what>: <found>, <wanted>".
   */
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}

/**
 * Bytes from a disk, an image file or the network do not have the shape that their format demands.
 */
export class FormatError extends HuckError {}

/** The arguments of {@link SituationError} besides code and message. */
export interface SituationOptions extends ErrorOptions {
  /** What the operator can do about it: one sentence. */
  readonly cure: string;
  /** Exit code of the program if nobody handles the error. Default: refused (4). */
  readonly exitCode?: ExitCode;
}

/**
 * The operator's situation forbids the work. The error says what was found, what is wanted, and the
 * cure.
 */
export class SituationError extends HuckError {
  /** What the operator can do about it. */
  readonly cure: string;
  /** Exit code of the program if nobody handles the error. */
  readonly exitCode: ExitCode;

  /**
   * @param code - Stable name of the situation, lower snake case.
   * @param message - "Cannot <do> <what>: <found>, <wanted>".
   */
  constructor(code: string, message: string, options: SituationOptions) {
    super(code, message, options);
    this.cure = options.cure;
    this.exitCode = options.exitCode ?? ExitCode.refused;
  }
}

/**
 * The message of any value that was thrown.
 *
 * @returns For a value that is no error, its string form.
 */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** @returns The `code` of a {@link HuckError} or of a system error (`ENOENT`), else undefined. */
export function codeOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}
