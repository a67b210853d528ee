/**
 * Rules on exported names: no two files export the same name, and each is made of words that a
 * reader finds in GLOSSARY.md or knows anyway (scripts/plain-words.txt).
 *
 * A word is a part of a name: "DhcpPackets" has dhcp and packets, "MAX_NAK_COUNT" has max, nak and
 * count. The plural of a listed word counts as listed.
 */
import { factsOf, finding, isCompiled, textsOf } from "./source-tree.ts";
import type { Finding, Tree } from "./source-tree.ts";

const glossaryPath = "GLOSSARY.md";
const plainWordsPath = "scripts/plain-words.txt";
const product = /^(shared|server|receiver)[/]|^huck[.]ts$/;

/** Names that two files may still export. */
const nameTwiceAllowed: ReadonlySet<string> = new Set([]);

/** Places with another vocabulary: [path, refused words that are right there]. */
const otherVocabularies: readonly (readonly [RegExp, readonly string[]])[] = [
  // DHCP, PXE and TFTP have packets, clients and NAKs.
  [/^(server|test[/][^/]+[/]server)[/]boot[/]/, ["packet", "client", "nak", "machine"]],
  // AF_PACKET is the kernel's name.
  [/^shared[/]linux[/]/, ["packet"]],
  [/^(test|scripts)[/]/, ["packet", "client", "machine"]],
];

/** Finds names that two files of the product export. */
export function sharedNames(tree: Tree): readonly Finding[] {
  const firstPlace = new Map<string, string>();
  return textsOf(tree, (path) => isCompiled(path) && product.test(path)).flatMap(([path, text]) =>
    factsOf(path, text).exported.flatMap(({ name, line }) => {
      const first = firstPlace.get(name) ?? path;
      firstPlace.set(name, first);
      if (first === path || nameTwiceAllowed.has(name)) return [];
      return [finding(path, line, "name-twice", `"${name}" is ${first}'s: rename one of them`)];
    }),
  );
}

/** Finds words in exported names that are neither in the glossary nor plain. */
export function vocabulary(tree: Tree): readonly Finding[] {
  const glossary = readGlossary(tree.texts.get(glossaryPath) ?? "");
  const plain = readPlainWords(tree.texts.get(plainWordsPath) ?? "");
  const known = new Set([...glossary.said, ...plain]);
  const exported = textsOf(tree, isCompiled).flatMap(([path, text]) => {
    const allowed = otherVocabularies.find(([place]) => place.test(path))?.[1] ?? [];
    return factsOf(path, text).exported.flatMap(({ name, line }) =>
      wordsOf(name).flatMap((word) => {
        const forms = formsOf(word);
        const refused = forms.find((form) => glossary.refused.has(form));
        if (forms.some((form) => allowed.includes(form))) return [];
        if (refused !== undefined) {
          const say = glossary.refused.get(refused) ?? "";
          const cure = `"${name}" says ${refused}: say ${say} (${glossaryPath})`;
          return [finding(path, line, "glossary", cure)];
        }
        if (!product.test(path) || forms.some((form) => known.has(form))) return [];
        const cure =
          `"${name}" says ${word}: take a word of ${glossaryPath}, ` +
          `explain this one there, or add it to ${plainWordsPath} if everybody knows it`;
        return [finding(path, line, "unknown-word", cure)];
      }),
    );
  });
  return [...exported, ...plain.flatMap((word, index) => misplaced(plain, word, index))];
}

interface Glossary {
  readonly said: ReadonlySet<string>;
  /** Bold words of the last column, with what to say instead. */
  readonly refused: ReadonlyMap<string, string>;
}

function readGlossary(text: string): Glossary {
  const said = new Set<string>();
  const refused = new Map<string, string>();
  for (const line of text.split("\n")) {
    const cells = line.split("|").map((cell) => cell.trim());
    if (!line.startsWith("| ") || cells.length < 6) continue;
    const [, say = "", , , not = ""] = cells;
    for (const word of say.match(/[A-Za-z0-9]+/g) ?? []) {
      for (const part of [word, ...wordsOf(word)]) said.add(part.toLowerCase());
    }
    for (const [, word = ""] of not.matchAll(/[*][*](\w+)[*][*]/g)) {
      refused.set(word.toLowerCase(), say);
    }
  }
  return { said, refused };
}

function readPlainWords(text: string): readonly string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** The list is sorted within each section; a section opens with a line of "#". */
function misplaced(words: readonly string[], word: string, index: number): readonly Finding[] {
  const before = words[index - 1] ?? "#";
  if (word.startsWith("#") || before.startsWith("#") || before < word) return [];
  return [finding(plainWordsPath, index + 1, "plain-words", `sort "${word}" before "${before}"`)];
}

function wordsOf(name: string): readonly string[] {
  return name
    .replace(/siphash/i, "") // the name of an algorithm
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1 $2")
    .split(/[\s_]+/)
    .filter((word) => word !== "")
    .map((word) => word.toLowerCase());
}

/** The word, and what it may be the plural of. */
function formsOf(word: string): readonly string[] {
  return [word, word.replace(/s$/, ""), word.replace(/es$/, ""), word.replace(/ies$/, "y")];
}
