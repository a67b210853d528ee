/**
 * Problem: an error as the control APIs answer it, in the form of RFC 9457 with a code and a cure.
 */
import * as z from "zod";
import { ExitCode, HuckError, SituationError, messageOf } from "../core/errors.ts";
import { Text } from "./names.ts";

/** Body of every answer with status 400 or above; media type application/problem+json. */
export const Problem = z.object({
  /** Fixed name of the fault, in lower snake case. */
  code: z.string().regex(/^[a-z0-9_]{1,64}$/),
  /** HTTP status. */
  status: z.number().int().min(400).max(599),
  /** What was found and what is wanted. */
  detail: Text,
  /** What the operator can do; may be empty. */
  cure: Text,
  /** Exit code of a program that gives up because of this problem. */
  exitCode: z.literal([1, 2, 4, 5, 6]).catch(6),
});
export type Problem = z.infer<typeof Problem>;

/**
 * Makes a problem of anything that a route threw. A SituationError keeps its code and cure; an
 * error that is not ours becomes `internal` with status 500.
 */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof SituationError) {
    const exitCode = thrown.exitCode === ExitCode.ok ? ExitCode.unknown : thrown.exitCode;
    return {
      code: thrown.code,
      status: 409,
      detail: clip(thrown.message),
      cure: clip(thrown.cure),
      exitCode,
    };
  }
  const code = thrown instanceof HuckError ? thrown.code : "internal";
  const status = thrown instanceof HuckError ? 400 : 500;
  return { code, status, detail: clip(messageOf(thrown)), cure: "", exitCode: ExitCode.unknown };
}

/** Makes the error of a program that gives up because of a problem that was answered. */
export function situationOfProblem({ code, detail, cure, exitCode }: Problem): SituationError {
  return new SituationError(code, detail, { cure, exitCode });
}

function clip(text: string): string {
  return text.slice(0, 1000);
}
