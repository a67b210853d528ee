/**
 * Parses what a request brought: body, query, or parameters of its path.
 *
 * Requests are strict (CONTROL.md section 8): without a field that it does not know, this server
 * would do something else than was asked.
 */
import * as z from "zod";
import { FormatError, SituationError } from "../../shared/core/errors.ts";

/**
 * Parses a body or query that came from outside.
 *
 * @throws {@link SituationError} `server_older` with the name of a field that this server does not
 *   know.
 * @throws {@link FormatError} `bad_request` with the name of the first member that does not fit.
 */
export function parsed<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    if (issue.code === "unrecognized_keys") throw serverOlder([...issue.path, ...issue.keys]);
  }
  const [issue] = result.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? "body" : issue.path.join(".");
  throw new FormatError(
    "bad_request",
    `Cannot read request: ${where}: ${issue?.message ?? "malformed"}`,
  );
}

/**
 * A whole number in a path or query: decimal digits and nothing else, so that one number has one
 * spelling ("0x1", "1e3", "+1", " 1" and "01" are refused).
 *
 * @param most - Largest value.
 */
export function wholeNumber(most: number): z.ZodType<number, string> {
  return z
    .string()
    .regex(/^(?:0|[1-9]\d{0,15})$/, "a whole number in decimal digits wanted")
    .transform(Number)
    .refine((value) => value <= most, `at most ${most} wanted`);
}

function serverOlder(where: readonly PropertyKey[]): SituationError {
  const field = where.map(String).join(".").slice(0, FIELD_MAX);
  return new SituationError(
    "server_older",
    `Cannot read request: this server does not know "${field}"`,
    { cure: OLDER_CURE },
  );
}

/** The cure for whoever asks what only a later version can answer. */
export const OLDER_CURE = "Update the server, or use the huck and the boot files of its version.";
/** A message quotes at most so many characters of a name from outside. */
const FIELD_MAX = 100;
