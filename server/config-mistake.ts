/**
 * Words for mistakes in huck.yaml. The YAML parser and zod speak to programmers ("expected object,
 * received null"); an admin reads what stands there and what is wanted instead.
 */
import { isScalar, visit } from "yaml";
import type { Alias, Document, YAMLParseError } from "yaml";
import type * as z from "zod";

/** What zod found wrong, before it has words. */
type RawIssue = z.core.$ZodRawIssue;

/** Says what is wrong with a value. Words that a schema brings itself go before these. */
export function valueMistake(issue: RawIssue): string | undefined {
  if (issue.code === "unrecognized_keys") {
    const names = issue.keys.map((key) => `"${key.slice(0, QUOTED_MAX)}"`).join(", ");
    return `unknown ${issue.keys.length === 1 ? "key" : "keys"} ${names}`;
  }
  const wanted = wantedText(issue);
  return wanted === undefined ? undefined : `${inputText(judgedIn(issue))}, ${wanted} wanted`;
}

/** Of a form that is chosen by a key, like `mode` of `dhcp`, that key is what was wrong. */
function judgedIn(issue: RawIssue): unknown {
  const { input } = issue;
  const { discriminator } = issue as { readonly discriminator?: string };
  if (discriminator === undefined || typeof input !== "object" || input === null) return input;
  return (input as Readonly<Record<string, unknown>>)[discriminator];
}

function wantedText(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return KINDS[issue.expected] ?? issue.expected;
    case "invalid_value":
      return listed(issue.values.map(String));
    case "invalid_union": {
      const { options = [] } = issue as { readonly options?: readonly unknown[] };
      return listed(options.map(String));
    }
    case "invalid_format":
      return FORMATS[issue.format];
    case "too_big":
      return boundText(issue.origin, "at most", Number(issue.maximum));
    case "too_small":
      return boundText(issue.origin, "at least", Number(issue.minimum));
    case "not_multiple_of":
      return `a multiple of ${issue.divisor}`;
    case "unrecognized_keys":
    case "invalid_key":
    case "invalid_element":
    case "custom":
      return undefined;
  }
}

function boundText(origin: string, bound: string, count: number): string {
  const things = UNITS[origin];
  if (things === undefined) return `${bound} ${count}`;
  return `${bound} ${count} ${count === 1 ? things[0] : things[1]}`;
}

function listed(words: readonly string[]): string | undefined {
  if (words.length < 2) return words[0];
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1) ?? ""}`;
}

function inputText(input: unknown): string {
  if (input === undefined) return "it is missing";
  if (input === null) return "it is empty";
  if (Array.isArray(input)) return `a list of ${input.length} found`;
  if (typeof input === "object") return "keys with values found";
  return `${JSON.stringify(input).slice(0, QUOTED_MAX)} found`;
}

/** What a value is called whose type zod expects. */
const KINDS: Readonly<Record<string, string>> = {
  object: "keys with values (key: value)",
  array: "a list",
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
};
const FORMATS: Readonly<Record<string, string>> = { ipv4: "an IPv4 address like 10.0.0.1" };
const UNITS: Readonly<Record<string, readonly [one: string, many: string]>> = {
  string: ["character", "characters"],
  array: ["entry", "entries"],
};
/** A message quotes at most so much of a value. Unit: characters. */
const QUOTED_MAX = 60;

/** Says why a text is no YAML, without the position, which the caller tells as a line. */
export function syntaxMistake(error: Pick<YAMLParseError, "code" | "message">): string {
  const [first = ""] = error.message.split("\n", 1);
  return SYNTAX[error.code] ?? first.replace(/ at line \d+, column \d+:?$/, "");
}

const DEEP = "it is nested too deeply";
const SYNTAX: Readonly<Partial<Record<YAMLParseError["code"], string>>> = {
  DUPLICATE_KEY: "this key stands here twice, keys must be unique",
  MULTIPLE_DOCS: 'a second document begins ("---"), one wanted',
  TAB_AS_INDENT: "it begins with a tab, blanks wanted",
  RESOURCE_EXHAUSTION: DEEP,
};

/** A mistake that shows only when the text becomes values, and where it stands. */
export interface ExpansionMistake {
  /** Unit: characters from the start of the text. */
  readonly offset: number;
  readonly text: string;
}

/**
 * Explains why a document cannot become values: an alias without an anchor, aliases that stand for
 * more than may be, or too many levels.
 *
 * @param thrown - By its `toJS`.
 * @returns Undefined for a fault of ours.
 */
export function expansionMistake(
  document: Document,
  thrown: unknown,
): ExpansionMistake | undefined {
  if (thrown instanceof RangeError) return { offset: 0, text: DEEP };
  if (!(thrown instanceof ReferenceError)) return undefined;
  let first: ExpansionMistake | undefined;
  let seen = 0;
  visit(document, {
    Alias(_key, alias) {
      seen += 1;
      const text = aliasMistake(document, alias);
      first ??= text === undefined ? undefined : { offset: alias.range?.[0] ?? 0, text };
      return first !== undefined || seen === ALIASES_LOOKED_AT ? visit.BREAK : undefined;
    },
  });
  return first ?? { offset: 0, text: "its aliases (*name) stand for too much" };
}

function aliasMistake(document: Document, alias: Alias): string | undefined {
  const target = alias.resolve(document);
  const name = `*${alias.source.slice(0, QUOTED_MAX)}`;
  if (target === undefined) return `${name} has no anchor (&${alias.source}) above it`;
  let inner = 0;
  if (!isScalar(target)) visit(target, { Alias: () => void (inner += 1) });
  return inner > 1 ? `aliases like ${name}, which stand for more aliases, ask too much` : undefined;
}

/** The first wrong alias is found among so many, or none is named. */
const ALIASES_LOOKED_AT = 1000;
