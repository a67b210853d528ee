/**
 * Explains errors that end a verb to the operator: a full disk or a missing right is not our bug,
 * so it gets a message, a cure and a true exit code, never a stack trace.
 */
import {
  ExitCode,
  FormatError,
  HuckError,
  SituationError,
  codeOf,
  messageOf,
} from "../../shared/core/errors.ts";
import { isErrno, errnoText } from "../../shared/core/errno.ts";

/** System calls that name or open something, before it is touched (promise P15). */
const OPENING: ReadonlySet<string> = new Set(
  "access bind listen lstat mkdir mkdtemp open readlink realpath rename scandir stat".split(" "),
);

/** Words for system calls whose names are not English. */
const WORKS: Readonly<Record<string, string>> = {
  mkdir: "make the folder",
  mkdtemp: "make a folder like",
  scandir: "list",
  ftruncate: "give a size to",
  fsync: "flush",
  unlink: "remove",
  stat: "look at",
  lstat: "look at",
};

/**
 * Explains why something that an option or argument names cannot be opened.
 *
 * @param code - Of the result.
 * @param thrown - What opening it threw; its message is kept.
 * @param cure - In the words of the verb's options.
 */
export function openFailure(code: string, thrown: unknown, cure: string): SituationError {
  if (thrown instanceof SituationError) return thrown;
  return new SituationError(code, messageOf(situationOf(thrown) ?? thrown), {
    cure,
    cause: thrown,
  });
}

/**
 * Explains whatever reached the end of a verb.
 *
 * @returns The situation; undefined if only a bug of ours explains it.
 */
export function situationOf(thrown: unknown): SituationError | undefined {
  if (thrown instanceof SituationError) return thrown;
  if (!(thrown instanceof Error)) return undefined;
  const code = codeOf(thrown) ?? "";
  if (thrown instanceof HuckError && !isErrno(code)) {
    return new SituationError(code, thrown.message, {
      cure: thrown instanceof FormatError ? FORMAT_CURE : OTHER_CURE,
      cause: thrown,
    });
  }
  if (!isErrno(code)) return undefined;
  const { found, cure } = errnoText(code);
  if (thrown instanceof HuckError) {
    const exitCode = ExitCode.unknown;
    const message = thrown.message.replace(`the kernel answers ${code}`, `${found} (${code})`);
    return new SituationError(code.toLowerCase(), message, { cure, exitCode, cause: thrown });
  }
  if (!("syscall" in thrown)) return undefined;
  const path = "path" in thrown && typeof thrown.path === "string" ? ` "${thrown.path}"` : "";
  const syscall = String(thrown.syscall);
  const work = WORKS[syscall] ?? syscall;
  const named = path === "" ? messageOf(thrown) : code;
  return new SituationError(code.toLowerCase(), `Cannot ${work}${path}: ${found} (${named})`, {
    cure,
    exitCode: OPENING.has(syscall) ? ExitCode.refused : ExitCode.unknown,
    cause: thrown,
  });
}

/** What became of the thing that a verb was writing or making when an error ended it. */
export interface Remainder {
  /** A sentence without a period: `"sda" is incomplete and does not boot`. */
  readonly state: string;
  /** What to do then. */
  readonly cure: string;
}

/**
 * Makes the exit code true once work was begun: no way out says "refused" any more (promise P15).
 *
 * @param thrown - What ended the work. An abort by the operator stays one, and says what remains.
 */
export function endOfBegunWork(thrown: unknown, { state, cure }: Remainder): SituationError {
  const situation = situationOf(thrown);
  const aborted = situation?.exitCode === ExitCode.aborted;
  const found = situation ?? { code: "bug", message: messageOf(thrown), cure: "" };
  const cures = aborted || found.cure === "" ? [cure] : [ended(found.cure), cure];
  return new SituationError(found.code, `${found.message}; ${state}`, {
    cure: cures.map(ended).join(" "),
    exitCode: aborted ? ExitCode.aborted : ExitCode.someNodeNotRight,
    cause: thrown,
  });
}

/**
 * The error of a verb that has touched nothing yet: whatever the system says, that much is known,
 * so it is a refusal (promise P15).
 */
export function endOfUntouched(thrown: unknown): unknown {
  const situation = situationOf(thrown);
  if (situation?.exitCode !== ExitCode.unknown) return thrown;
  const { code, message, cure } = situation;
  return new SituationError(code, message, { cure, cause: thrown });
}

/**
 * Gives an error about an image the path of its file, and a cure. Other errors stay as they are.
 *
 * @param path - As the operator would type it.
 */
export function imageFailure(path: string, thrown: unknown): unknown {
  if (!(thrown instanceof FormatError)) return thrown;
  const { message } = thrown;
  const named = message.includes(`"${path}"`)
    ? message
    : message.replace(/^Cannot (?:(\w+) image: |\w+ |)/, (_, work: string | undefined) => {
        return `Cannot ${work ?? "use"} image "${path}": `;
      });
  const cure = thrown.code === "not_an_image" ? NOT_AN_IMAGE_CURE : DAMAGED_CURE;
  return new SituationError(thrown.code, named, { cure, cause: thrown });
}

/** Does something with an open file. A system error then names the file, if it names none. */
export function withPath<Result>(path: string, work: () => Result): Result {
  try {
    return work();
  } catch (thrown) {
    throw nameIt(thrown, path);
  }
}

/** Adds a path to a system error that has none, and gives the error back. */
export function nameIt(thrown: unknown, path: string): unknown {
  const isUnnamed = thrown instanceof Error && "syscall" in thrown && !("path" in thrown);
  return isUnnamed ? Object.assign(thrown, { path }) : thrown;
}

function ended(sentence: string): string {
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}

const FORMAT_CURE = "Its bytes are not as they were written: take another copy of it.";
const OTHER_CURE = "Change what the message names, and run the command again.";
/** For a path that leads to something else. */
export const NOT_AN_IMAGE_CURE =
  "Name a file that `huck image save` made; `huck image files` lists them.";
const DAMAGED_CURE =
  "Copy the file again from where it is whole, or save the disk again; `huck image verify` " +
  "names what is damaged.";
