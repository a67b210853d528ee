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
 *     1-12  4-16-2   from, to, step; `fit1-fit12` too. Numbers without a node are skipped,
 *                    but at least one must have a node
 *     fit[01-37]     the same with a prefix; `fit[1,3-5]` is a list
 *     ~10-20  ~7     without these
 *
 * Any other word is an error, because after a forgotten `-i` we must not load the wrong nodes. An
 * empty result is an error too.
 */
import { ExitCode, SituationError } from "../../../shared/core/errors.ts";

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
}

interface NumberRange {
  /** Undefined for a bare number. */
  readonly prefix: string | undefined;
  readonly first: number;
  readonly last: number;
  readonly step: number;
  /** True for one number, whose node must be unique. */
  readonly single: boolean;
}

function expand(
  item: string,
  names: readonly string[],
  numbered: readonly NumberedName[],
): string[] {
  if (names.includes(item)) return [item];
  const ranges = rangesOf(item);
  if (ranges.length === 0) throw badNodes(`"${item}" is neither a node nor a range`);
  return ranges.flatMap((range) => namesIn(range, numbered, item));
}

function namesIn(range: NumberRange, numbered: readonly NumberedName[], item: string): string[] {
  const { first, last, step } = range;
  if (last < first || step < 1) throw badNodes(`"${item}" runs backwards`);
  if (last - first >= SPAN_MAX) throw badNodes(`"${item}" spans more than ${SPAN_MAX} numbers`);
  const prefix = range.prefix ?? onlyPrefix(numbered, item);
  const found = numbered.filter(
    ({ prefix: own, number }) =>
      own === prefix &&
      number !== undefined &&
      number >= first &&
      number <= last &&
      (number - first) % step === 0,
  );
  if (found.length === 0) throw badNodes(`"${item}" names no node of the inventory`);
  if (range.single && found.length > 1) {
    throw badNodes(`"${item}" may be ${found.map(({ name }) => `"${name}"`).join(" or ")}`);
  }
  return found.map(({ name }) => name);
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
  return {
    prefix: text.prefix,
    first: Number(text.first),
    last: Number(text.last ?? text.first),
    step: Number(text.step),
    single: text.last === undefined,
  };
}

function numberedName(name: string): NumberedName {
  const digits = /\d{1,9}$/.exec(name)?.[0];
  return {
    name,
    prefix: digits === undefined ? name : name.slice(0, -digits.length),
    number: digits === undefined ? undefined : Number(digits),
  };
}

/** Splits at commas outside brackets. */
function splitList(word: string): string[] {
  return word.split(/,(?![^[\]]*\])/);
}

function badNodes(found: string): SituationError {
  return new SituationError("bad_nodes", `Cannot tell which nodes are meant: ${found}`, {
    cure: 'Name nodes like "1-12", "4-16-2", "fit[01-37]", "~7"; `huck nodes` prints all names.',
    exitCode: ExitCode.usage,
  });
}

/** Most words after splitting at commas. */
const ITEMS_MAX = 4096;
/** Most numbers in one range. */
const SPAN_MAX = 4096;
const PREFIXES_SHOWN = 5;
