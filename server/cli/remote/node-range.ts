/**
 * Node ranges: turns what an operator types into names of nodes, in the syntax that rhubarbe's
 * users know.
 *
 * Words and comma lists are read from left to right; `~` takes nodes away from those named so far.
 * A word is one of
 *
 *     fit07          the node of that name
 *     7  007  fit7   the node whose name ends in that number; a bare number needs an
 *                    inventory of one prefix only
 *     1-12  4-16-2   from, to, step; `fit1-fit12` too
 *     fit[01-37]     the same with a prefix; `fit[1,3-5]` is a list
 *     ~10-20  ~7     without these
 *
 * A range means exactly the nodes that it writes out, because what follows may erase their disks:
 * if the inventory lacks one of them, the whole selection is refused, and the names are told. If
 * the inventory has `n1` and `n01`, the digits decide as they are typed: `n[01-02]` is n01 and n02.
 * Any other word is an error, because after a forgotten `-i` we must not load the wrong nodes. An
 * empty result is an error too.
 */
import { ExitCode, SituationError } from "../../../shared/core/errors.ts";
import { nearestHint } from "../../../shared/core/nearest-name.ts";

export interface Selection {
  /** Words of the command line; may be empty. */
  readonly words: readonly string[];
  /** `-a`: start with all nodes. */
  readonly all: boolean;
  /** Value of `$NODES`, used if nothing was typed. */
  readonly fallback: string | undefined;
}

/**
 * Gives the names that a selection stands for: in the order of the inventory, each once, at least
 * one.
 *
 * @param names - All nodes of the inventory.
 * @throws {@link SituationError} `bad_nodes`, exit code usage.
 */
export function selectNodes(selection: Selection, names: readonly string[]): string[] {
  const typed = selection.words.length > 0 || selection.all;
  const words = typed ? selection.words : (selection.fallback ?? "").split(/\s+/);
  const items = words.flatMap(splitList).filter((item) => item !== "");
  if (items.length === 0 && !selection.all) throw badNodes("no node was named");
  if (items.length > ITEMS_MAX)
    throw badNodes(`${items.length} words, at most ${ITEMS_MAX} wanted`);
  const numbered = names.map(numberedName);
  const chosen = new Set(selection.all ? names : []);
  for (const item of items) {
    const away = item.startsWith("~");
    for (const name of expand(away ? item.slice(1) : item, names, numbered)) {
      if (away) chosen.delete(name);
      else chosen.add(name);
    }
  }
  if (chosen.size === 0)
    throw badNodes(`"${items.join(" ")}" leaves no node; begin with -a to take away from all`);
  return names.filter((name) => chosen.has(name));
}

interface NumberedName {
  readonly name: string;
  readonly prefix: string;
  /** Undefined if the name does not end in digits. */
  readonly number: number | undefined;
  /** As many digits as the name ends in. */
  readonly digits: number;
}

interface NumberRange {
  /** Undefined for a bare number. */
  readonly prefix: string | undefined;
  readonly first: number;
  readonly last: number;
  readonly step: number;
  /** True for one bare number or name, whose node must be unique however it is padded. */
  readonly single: boolean;
  /** Digits of a number that was typed with zeros before it; 0 if none was. */
  readonly width: number;
}

function expand(
  item: string,
  names: readonly string[],
  numbered: readonly NumberedName[],
): string[] {
  if (names.includes(item)) return [item];
  const ranges = rangesOf(item);
  if (ranges.length === 0) {
    throw badNodes(`"${item}" is neither a node nor a range`, nearestHint(names, item));
  }
  return ranges.flatMap((range) => namesIn(range, numbered, item));
}

function namesIn(range: NumberRange, numbered: readonly NumberedName[], item: string): string[] {
  const { first, last, step } = range;
  if (last < first || step < 1) throw badNodes(`"${item}" runs backwards`);
  if (last - first >= SPAN_MAX) throw badNodes(`"${item}" spans more than ${SPAN_MAX} numbers`);
  const prefix = range.prefix ?? onlyPrefix(numbered, item);
  const own = numbered.filter((one) => one.prefix === prefix && one.number !== undefined);
  const found: string[] = [];
  const lacking: string[] = [];
  for (let number = first; number <= last; number += step) {
    const name = nameAmong(own, range, number, item);
    if (name !== undefined) found.push(name);
    else lacking.push(`${prefix}${typedNumber(number, range.width || usualWidth(own))}`);
  }
  if (lacking.length === 0) return found;
  if (own.length > 0) throw lackingNodes(item, lacking, found);
  // no node is called so, whatever its number: the letters are wrong
  const names = numbered.map(({ name }) => name);
  throw lackingNodes(item, lacking, found, nearestHint(names, item));
}

/**
 * The node of one number. Where two names have one number, only the digits as they were typed
 * choose, for all numbers of the range.
 */
function nameAmong(
  own: readonly NumberedName[],
  { width, single }: NumberRange,
  number: number,
  item: string,
): string | undefined {
  const candidates = own.filter((one) => one.number === number);
  const [only, ...others] = candidates;
  if (!single && new Set(own.map((one) => one.number)).size < own.length) {
    return candidates.find(({ name, prefix }) => name === prefix + typedNumber(number, width))
      ?.name;
  }
  if (others.length === 0) return only?.name;
  throw badNodes(`"${item}" may be ${candidates.map(({ name }) => `"${name}"`).join(" or ")}`);
}

function typedNumber(number: number, width: number): string {
  return String(number).padStart(width, "0");
}

/** The width to write a name with that is not there: as the others of its prefix have it. */
function usualWidth(own: readonly NumberedName[]): number {
  const padded = own.find(({ number, digits }) => digits > String(number).length);
  return padded?.digits ?? 0;
}

function lackingNodes(
  item: string,
  lacking: readonly string[],
  found: readonly string[],
  hint = "",
): SituationError {
  const shown = lacking.slice(0, LACKING_SHOWN).join(", ");
  const more = lacking.length > LACKING_SHOWN ? ` and ${lacking.length - LACKING_SHOWN} more` : "";
  const what = `"${item}" names ${shown}${more}, which huck.yaml does not have`;
  if (found.length === 0) return badNodes(what, hint);
  return new SituationError("bad_nodes", `Cannot tell which nodes are meant: ${what}`, {
    cure:
      `Nothing was begun. Of these, huck.yaml has ${foldNames(found)}: name only them, or add ` +
      "the others.",
    exitCode: ExitCode.usage,
  });
}

/** Writes names as a range that can be typed: "fit[01-02,05]". */
function foldNames(names: readonly string[]): string {
  const runs: { prefix: string; first: string; last: string }[] = [];
  for (const name of names) {
    const { prefix, digits } = numberedName(name);
    const typed = name.slice(name.length - digits);
    const run = runs.at(-1);
    const next = run === undefined ? "" : typedNumber(Number(run.last) + 1, run.last.length);
    if (run?.prefix === prefix && next === typed) run.last = typed;
    else runs.push({ prefix, first: typed, last: typed });
  }
  const prefix = runs[0]?.prefix ?? "";
  const parts = runs.map(({ first, last }) => (first === last ? first : `${first}-${last}`));
  const shown = parts.slice(0, LACKING_SHOWN).join(",");
  return names.length === 1
    ? (names[0] ?? "")
    : `${prefix}[${shown}${parts.length > LACKING_SHOWN ? ",..." : ""}]`;
}

/**
 * Gives the prefix for a bare number, which is clear only if all numbered nodes have the same one.
 *
 * @throws {@link SituationError} `bad_nodes`.
 */
function onlyPrefix(numbered: readonly NumberedName[], item: string): string {
  const prefixes = new Set(
    numbered.filter(({ number }) => number !== undefined).map(({ prefix }) => prefix),
  );
  const [prefix] = prefixes;
  if (prefix !== undefined && prefixes.size === 1) return prefix;
  const known = [...prefixes].slice(0, PREFIXES_SHOWN).map((one) => `"${one}"`);
  throw badNodes(
    prefixes.size === 0
      ? `"${item}" is a number, and no node's name ends in one`
      : `"${item}" needs a prefix: the inventory has ${known.join(", ")}`,
  );
}

/**
 * Reads `N`, `A-B`, `A-B-S`, `preN`, `preA-preB`, `pre[list]`; gives nothing if the item is none of
 * these.
 */
function rangesOf(item: string): NumberRange[] {
  const bracket = /^([A-Za-z0-9._-]*)\[([0-9,-]+)\]$/.exec(item);
  if (bracket !== null) {
    const [, prefix = "", list = ""] = bracket;
    const parts = list.split(",").map((part) => plainRange(part, prefix));
    return parts.every((part) => part !== undefined) ? parts : [];
  }
  const plain = plainRange(item, undefined);
  if (plain !== undefined) return [plain];
  const named = /^([A-Za-z0-9._-]*?[A-Za-z._-])(\d{1,9})(?:-\1(\d{1,9})(?:-(\d{1,9}))?)?$/.exec(
    item,
  );
  if (named === null) return [];
  const [, prefix, first = "", last, step = "1"] = named;
  return [numberRange({ prefix, first, last, step })];
}

function plainRange(text: string, prefix: string | undefined): NumberRange | undefined {
  const match = /^(\d{1,9})(?:-(\d{1,9})(?:-(\d{1,9}))?)?$/.exec(text);
  if (match === null) return undefined;
  const [, first = "", last, step = "1"] = match;
  return numberRange({ prefix, first, last, step });
}

function numberRange(text: {
  prefix: string | undefined;
  first: string;
  last: string | undefined;
  step: string;
}): NumberRange {
  const { prefix, first, last, step } = text;
  return {
    prefix,
    first: Number(first),
    last: Number(last ?? first),
    step: Number(step),
    single: last === undefined && prefix === undefined,
    width: widthOf(first, last ?? first),
  };
}

/**
 * The digits that padded bounds ask for: "01-12" means two, "08-100" two and then three.
 *
 * @throws {@link SituationError} `bad_nodes` for "1-02" and "001-02": they mean two things.
 */
function widthOf(first: string, last: string): number {
  const isPadded = (text: string): boolean => text.length > 1 && text.startsWith("0");
  if (!isPadded(first) && !isPadded(last)) return 0;
  const grows = isPadded(first) && !isPadded(last) && last.length > first.length;
  if (first.length === last.length || grows) return first.length;
  throw badNodes(`"${first}-${last}" has zeros before one number that the other lacks`);
}

function numberedName(name: string): NumberedName {
  const digits = /\d{1,9}$/.exec(name)?.[0];
  return {
    name,
    prefix: digits === undefined ? name : name.slice(0, -digits.length),
    number: digits === undefined ? undefined : Number(digits),
    digits: digits?.length ?? 0,
  };
}

/** Splits at commas outside brackets. */
function splitList(word: string): string[] {
  return word.split(/,(?![^[\]]*\])/);
}

function badNodes(found: string, hint = ""): SituationError {
  return new SituationError("bad_nodes", `Cannot tell which nodes are meant: ${found}`, {
    cure: `${hint}${NAME_NODES}`,
    exitCode: ExitCode.usage,
  });
}

const NAME_NODES =
  'Name nodes like "1-12", "4-16-2", "fit[01-37]", "~7"; `huck nodes` prints all names.';

/** Most words after splitting at commas. */
const ITEMS_MAX = 4096;
/** Most numbers in one range. */
const SPAN_MAX = 4096;
const PREFIXES_SHOWN = 5;
/** Most names or runs of names in a message. */
const LACKING_SHOWN = 8;
