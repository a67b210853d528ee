/**
 * Values of command line options: parsed once, refused with a cure.
 *
 * The idea: an option that cannot be used is the operator's situation with exit code 2, said in the
 * words that were typed.
 */
import { ExitCode, SituationError } from "../../shared/core/errors.ts";

/**
 * Reads a whole number from 1 on.
 *
 * @param text - As typed.
 * @param flag - Name of the option, for the message.
 * @param most - Largest value.
 * @returns 1 .. `most`.
 * @throws {@link SituationError} `usage`.
 */
export function wholeOption(text: string, flag: string, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= most) return value;
  throw unusable(flag, text, `a whole number from 1 to ${most}`);
}

/**
 * Reads a time in seconds.
 *
 * @param text - As typed.
 * @param flag - Name of the option, for the message.
 * @returns Milliseconds, 0 or more.
 * @throws {@link SituationError} `usage`.
 */
export function secondsOption(text: string, flag: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && Number.isFinite(value)) return value * 1000;
  throw unusable(flag, text, "a number of seconds");
}

/**
 * Reads a rate: a number with K, M or G (powers of 1000) of bits per second.
 *
 * @param text - As typed: "900M", "1.5G".
 * @param flag - Name of the option, for the message.
 * @returns Bits per second, at least 100000.
 * @throws {@link SituationError} `usage`.
 */
export function rateOption(text: string, flag: string): number {
  const match = /^(\d+(?:\.\d+)?)([kmg]?)$/i.exec(text);
  const factor = FACTORS[(match?.[2] ?? "").toLowerCase()] ?? 1;
  const value = Number(match?.[1]) * factor;
  if (value >= RATE_MIN) return value;
  throw unusable(flag, text, "bits per second such as 900M or 1G, at least 100k");
}

const FACTORS: Readonly<Record<string, number>> = { k: 1e3, m: 1e6, g: 1e9 };
/** A datagram every tenth of a second: below that nothing of the protocol's timing holds. */
const RATE_MIN = 100_000;

function unusable(flag: string, text: string, wanted: string): SituationError {
  return new SituationError("usage", `Cannot use ${flag} "${text}": ${wanted} wanted`, {
    cure: `Give ${flag} ${wanted}.`,
    exitCode: ExitCode.usage,
  });
}
