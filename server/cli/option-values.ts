/**
 * The one parser of option values, for every verb: numbers, rates, times, words and names.
 *
 * Each function takes the flag and its bounds and gives a reader for commander, which calls it with
 * the text that was typed. A text that cannot be used is the operator's situation with exit code 2:
 * the message repeats what was typed and says what is wanted.
 */
import type * as z from "zod";
import { ExitCode, SituationError } from "../../shared/core/errors.ts";

/** Turns the text that was typed into a value, or throws a SituationError `usage`. */
export type OptionReader<Value> = (text: string) => Value;

/** Smallest and largest value, both allowed. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
}

/**
 * Reads whole numbers.
 *
 * @param flag - Name of the option, for the message.
 * @param bounds - Of the number.
 * @returns A reader that gives the number.
 */
export function wholeOption(flag: string, bounds: Bounds): OptionReader<number> {
  const { least, most } = bounds;
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw unusable(flag, text, {
      wanted: `a whole number from ${least} to ${most}`,
      cure: `Give ${flag} a number of that range.`,
    });
  };
}

/**
 * Reads times: "90", "90s", "1.5m", "2h", "250ms". A number without a unit is seconds, as
 * rhubarbe's users type it.
 *
 * @param flag - Name of the option, for the message.
 * @param bounds - Unit: milliseconds.
 * @returns A reader that gives milliseconds.
 */
export function durationOption(flag: string, bounds: Bounds = ANY_TIME): OptionReader<number> {
  const { least, most } = bounds;
  const from = least === 0 ? "" : `, at least ${timeText(least)}`;
  const to = most === Infinity ? "" : `, at most ${timeText(most)}`;
  return (text) => {
    const match = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h)?$/.exec(text);
    const value = Number(match?.[1]) * (TIME_UNITS[match?.[2] ?? "s"] ?? 1);
    if (match !== null && value >= least && value <= most) return value;
    throw unusable(flag, text, {
      wanted: `a time${from}${to}`,
      cure: `Give ${flag} a number with s, m or h, such as 90s or 5m.`,
    });
  };
}

/**
 * Reads rates: a number with K, M or G, which are powers of 1000.
 *
 * @param flag - Name of the option, for the message.
 * @param bounds - Unit: bits per second.
 * @returns A reader that gives whole bits per second.
 */
export function rateOption(flag: string, bounds: Bounds = ANY_RATE): OptionReader<number> {
  const { least, most } = bounds;
  const range = `from ${rateText(least)} to ${rateText(most)}`;
  return (text) => {
    const match = /^(\d{1,12}(?:\.\d{1,6})?)([kmg]?)$/i.exec(text);
    const factor = RATE_UNITS[(match?.[2] ?? "").toLowerCase()] ?? 1;
    const value = Math.round(Number(match?.[1]) * factor);
    if (value >= least && value <= most) return value;
    throw unusable(flag, text, {
      wanted: `bits per second ${range}`,
      cure: `Give ${flag} a number with K, M or G, such as 500M.`,
    });
  };
}

/**
 * Reads one of a few words.
 *
 * @param flag - Name of the option, for the message.
 * @param choices - At least two.
 * @returns A reader that gives the word.
 */
export function choiceOption<Choice extends string>(
  flag: string,
  choices: readonly Choice[],
): OptionReader<Choice> {
  return (text) => {
    const found = choices.find((choice) => choice === text);
    if (found !== undefined) return found;
    throw unusable(flag, text, {
      wanted: `${choices.slice(0, -1).join(", ")} or ${choices.at(-1) ?? ""}`,
      cure: `Give ${flag} one of these words.`,
    });
  };
}

/**
 * Reads names and ids whose shape a schema of the API fixes.
 *
 * @param flag - Name of the option or argument, for the message.
 * @param shape - Its own message says what is wanted.
 * @returns A reader that gives the text.
 */
export function nameOption(flag: string, shape: z.ZodString): OptionReader<string> {
  return (text) => {
    const parsed = shape.safeParse(text);
    if (parsed.success) return parsed.data;
    throw unusable(flag, text, {
      wanted: parsed.error.issues[0]?.message ?? "another name",
      cure: `Give ${flag} a name of that form.`,
    });
  };
}

function unusable(
  flag: string,
  text: string,
  { wanted, cure }: { readonly wanted: string; readonly cure: string },
): SituationError {
  const message = `Cannot use ${flag} "${text}": ${wanted} wanted`;
  return new SituationError("usage", message, { cure, exitCode: ExitCode.usage });
}

function timeText(ms: number): string {
  for (const unit of ["h", "m", "s"]) {
    const size = TIME_UNITS[unit] ?? 1;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}

function rateText(bitsPerSecond: number): string {
  for (const unit of ["g", "m", "k"]) {
    const size = RATE_UNITS[unit] ?? 1;
    if (bitsPerSecond >= size) return `${bitsPerSecond / size}${unit.toUpperCase()}`;
  }
  return String(bitsPerSecond);
}

/** Unit: milliseconds. */
const TIME_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 60e3, h: 3600e3 };
const RATE_UNITS: Readonly<Record<string, number>> = { k: 1e3, m: 1e6, g: 1e9 };
const ANY_TIME: Bounds = { least: 0, most: Infinity };
/**
 * Least: a datagram every tenth of a second; below that nothing of the protocol's timing holds.
 * Most: what the operator API takes.
 */
const ANY_RATE: Bounds = { least: 100e3, most: 100e9 };
