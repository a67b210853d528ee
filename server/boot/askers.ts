/**
 * Who asked the boot services in the last hour, for what, and what was done about it: the last few
 * questions of each asker, so that one sees how far its boot came.
 *
 * A computer that boots and is not in the inventory gets no answer; here an admin finds its MAC. An
 * asker is a MAC, or an address when no MAC is known. Who asked once can be a forgery, so those who
 * asked again are kept apart, and no flood of new names pushes them out. Both lists are bounded.
 */
import type { Ipv4, Mac } from "./addresses.ts";
import type { BootOutcome } from "./outcomes.ts";

/** One question to a boot service. */
export interface BootQuestion {
  readonly via: "dhcp" | "tftp" | "http" | "ipv6";
  /** Absent if the question does not tell. */
  readonly mac?: Mac;
  /** Absent if the asker has none. */
  readonly address?: Ipv4;
  /** What was asked for; bytes from the network, cut and cleaned here. */
  readonly what: string;
  /** Name of the counter that counted it. */
  readonly outcome: BootOutcome;
}

/** A question of an asker, or the same one several times in a row. */
export interface RecentQuestion {
  /** When it was asked last. Unit: milliseconds since 1970. */
  readonly at: number;
  readonly count: number;
  readonly via: BootQuestion["via"];
  readonly what: string;
  readonly outcome: BootOutcome;
}

/** What is known of one asker. Times are milliseconds since 1970. */
export interface Asker {
  readonly mac: Mac | undefined;
  readonly address: Ipv4 | undefined;
  /** Name of the node with that MAC, if there is one. */
  readonly node: string | undefined;
  readonly firstAt: number;
  readonly lastAt: number;
  /** How many questions. */
  readonly count: number;
  /** The last question. */
  readonly via: BootQuestion["via"];
  readonly what: string;
  readonly outcome: BootOutcome;
  /** The last {@link RECENT_MAX} questions, that one included, the oldest first. */
  readonly recent: readonly RecentQuestion[];
}

/**
 * Most askers that asked once, and most that asked again.
 *
 * @internal A test uses it.
 */
export const ASKERS_MAX = { once: 4096, again: 2048 } as const;
/**
 * Questions that are kept of one asker. A boot asks DHCP twice or four times, and for the loader,
 * the script, the kernel and the archive; each file may begin and end. With the most askers this is
 * 6144 * 12 * 200 bytes = 15 MB.
 *
 * @internal A test uses it.
 */
export const RECENT_MAX = 12;
/** How long an asker is remembered. Unit: milliseconds. */
const REMEMBERED_MS = 3_600_000;
/** Questions within this time count as one: a ROM repeats its DISCOVER later. */
const AGAIN_AFTER_MS = 900;
/** Most characters kept of a question. */
const WHAT_CHARACTERS_MAX = 80;

type Kept = Omit<Asker, "node">;

export class Askers {
  readonly #once = new Map<string, Kept>();
  readonly #again = new Map<string, Kept>();

  /** Takes note of a question. `now` is milliseconds since 1970. */
  note(ask: BootQuestion, now: number): void {
    const key = ask.mac ?? ask.address;
    if (key === undefined) return;
    const before = this.#again.get(key) ?? this.#once.get(key);
    const what = cleaned(ask.what);
    const { via, outcome } = ask;
    const kept: Kept = {
      mac: ask.mac,
      address: ask.address ?? before?.address,
      firstAt: before?.firstAt ?? now,
      lastAt: now,
      count: (before?.count ?? 0) + 1,
      via,
      what,
      outcome,
      recent: withQuestion(before?.recent ?? [], { at: now, count: 1, via, what, outcome }),
    };
    const isAgain = this.#again.has(key) || now - kept.firstAt >= AGAIN_AFTER_MS;
    if (isAgain) this.#once.delete(key);
    put(isAgain ? this.#again : this.#once, key, kept);
    trim(this.#once, ASKERS_MAX.once);
    trim(this.#again, ASKERS_MAX.again);
  }

  /**
   * Lists who asked in the last hour: MACs of no node first, then nodes, then addresses; in each
   * group who asked last comes first.
   */
  list(now: number, nodeOf: (mac: Mac) => string | undefined): readonly Asker[] {
    const all = [...this.#again.values(), ...this.#once.values()]
      .filter(({ lastAt }) => now - lastAt < REMEMBERED_MS)
      .map((one): Asker => ({ ...one, node: one.mac === undefined ? undefined : nodeOf(one.mac) }));
    return all.sort((left, right) => rank(left) - rank(right) || right.lastAt - left.lastAt);
  }
}

/** Adds a question; one that repeats the last one is only counted. */
function withQuestion(
  before: readonly RecentQuestion[],
  asked: RecentQuestion,
): readonly RecentQuestion[] {
  const last = before.at(-1);
  const repeats =
    last?.via === asked.via && last.what === asked.what && last.outcome === asked.outcome;
  if (!repeats) return [...before, asked].slice(-RECENT_MAX);
  return [...before.slice(0, -1), { ...asked, count: last.count + 1 }];
}

function rank({ mac, node }: Asker): number {
  if (mac === undefined) return 2;
  return node === undefined ? 0 : 1;
}

/** Puts a value behind all others. */
function put(into: Map<string, Kept>, key: string, kept: Kept): void {
  into.delete(key);
  into.set(key, kept);
}

function trim(map: Map<string, Kept>, most: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= most) return;
    map.delete(oldest);
  }
}

/** Bytes from the network never reach a terminal as they are. */
function cleaned(text: string): string {
  return text.slice(0, WHAT_CHARACTERS_MAX).replace(/[^\x20-\x7e]/g, "?");
}
