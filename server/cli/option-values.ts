/**
 * Parses option values for all verbs: numbers, rates, times, words and names.
 *
 * Each function takes a flag and its bounds and makes a reader for commander, which calls it with
 * the text that was typed. A text that cannot be used is a SituationError with exit code 2; its
 * message repeats the text and says what is wanted.
 */
import * as z from "zod";
import { ExitCode, SituationError } from "../../shared/core/errors.ts";

/** Turns the text that was typed into a value; throws a SituationError `usage` if it cannot. */
export type OptionReader<Value> = (text: string) => Value;

/** Smallest and largest value, both allowed. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
}

/** Makes a reader of whole numbers. */
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
 * Makes a reader of times, which gives milliseconds: "90", "90s", "1.5m", "2h", "250ms". A number
 * without a unit is seconds, as rhubarbe's users type it.
 *
 * @param bounds - Unit: milliseconds.
 */
export function durationOption(flag: string, bounds: Bounds = ANY_TIME): OptionReader<number> {
  const { least, most } = bounds;
  const from = least === 0 ? "" : `, at least ${typedTime(least)}`;
  const to = most === Infinity ? "" : `, at most ${typedTime(most)}`;
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
 * Makes a reader of rates, which gives whole bits per second: a number with K, M or G, which are
 * powers of 1000.
 *
 * @param bounds - Unit: bits per second.
 */
export function rateOption(flag: string, bounds: Bounds = ANY_RATE): OptionReader<number> {
  const { least, most } = bounds;
  const range = `from ${typedRate(least)} to ${typedRate(most)}`;
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

/** Lists at least two words: "a, b or c". */
export function choicesText(choices: readonly string[]): string {
  return `${choices.slice(0, -1).join(", ")} or ${choices.at(-1) ?? ""}`;
}

/** Makes a reader that accepts one of at least two words. */
export function choiceOption<Choice extends string>(
  flag: string,
  choices: readonly Choice[],
): OptionReader<Choice> {
  return (text) => {
    const found = choices.find((choice) => choice === text);
    if (found !== undefined) return found;
    throw unusable(flag, text, {
      wanted: choicesText(choices),
      cure: `Give ${flag} one of these words.`,
    });
  };
}

/**
 * Makes a reader of names and ids whose form a schema of the API fixes; the schema's own message
 * says what is wanted.
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

/** Makes a reader of IPv4 multicast addresses. With any other, nobody would ever hear a sender. */
export function groupOption(flag: string): OptionReader<string> {
  return (text) => {
    const first = z.ipv4().safeParse(text).success ? Number.parseInt(text, 10) : 0;
    if (first >= GROUP_FIRST && first <= GROUP_LAST) return text;
    throw unusable(flag, text, {
      wanted: `an address from ${GROUP_FIRST}.0.0.0 to ${GROUP_LAST}.255.255.255`,
      cure: `Leave ${flag} out, or give it a multicast address.`,
    });
  };
}

/** First byte of an IPv4 multicast address (RFC 5771). */
const GROUP_FIRST = 224;
const GROUP_LAST = 239;

function unusable(
  flag: string,
  text: string,
  { wanted, cure }: { readonly wanted: string; readonly cure: string },
): SituationError {
  const message = `Cannot use ${flag} "${text}": ${wanted} wanted`;
  return new SituationError("usage", message, { cure, exitCode: ExitCode.usage });
}

/** Writes a time as it may be typed: "90s". */
function typedTime(ms: number): string {
  for (const unit of ["h", "m", "s"]) {
    const size = TIME_UNITS[unit] ?? 1;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}

/** Writes a rate as it may be typed: "500M". */
function typedRate(bitsPerSecond: number): string {
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
