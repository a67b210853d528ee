/**
 * huck.yaml: the one file that an admin writes. Parsing is strict, so a misspelt key is an error
 * with its line.
 *
 * The schema documents every setting; `huck init` writes a file that shows them all. Relative
 * folders start at the file's own folder. This module gets the text and reads no file.
 */
import path from "node:path";
import { LineCounter, isMap, isNode, isPair, parseDocument } from "yaml";
import type { Document } from "yaml";
import * as z from "zod";
import { ExitCode, SituationError } from "../shared/core/errors.ts";
import { expansionMistake, syntaxMistake, valueMistake } from "./config-mistake.ts";
import { ipv4ToNumber } from "./boot/addresses.ts";
import { POOL_ADDRESSES_MAX } from "./boot/dhcp/leases.ts";
import { LoaderArchitecture } from "./boot/boot-manifest.ts";
import { Inventory, NodeDefaults, NodeEntry, duplicateOf } from "./inventory/inventory.ts";
import type { EnterEntry, PowerEntry } from "./inventory/inventory.ts";

const Ipv4 = z.ipv4();

/** Two IPv4 addresses as `first-last`, both ends included. */
const AddressRange = z
  .string()
  .regex(/^[0-9.]{7,15}-[0-9.]{7,15}$/, "two addresses like 10.0.0.100-10.0.0.199")
  .transform((text, { issues }) => {
    const [first = "", last = ""] = text.split("-");
    const wrong = [first, last].find((address) => !Ipv4.safeParse(address).success);
    if (wrong !== undefined) {
      const message = `"${wrong}" is no IPv4 address, two like 10.0.0.100 wanted`;
      issues.push({ code: "custom", message, input: text });
    } else if (ipv4ToNumber(first) > ipv4ToNumber(last)) {
      const message = `${text} runs backwards, the lower address first wanted`;
      issues.push({ code: "custom", message, input: text });
    }
    return { first, last };
  });

/** 224.0.0.0/24 belongs to routing protocols, and switches flood it to every port (RFC 5771). */
const GROUP_FIRST = ipv4ToNumber("224.0.1.0");
const GROUP_LAST = ipv4ToNumber("239.255.255.255");

function addressesIn({ first, last }: { first: string; last: string }): number {
  return ipv4ToNumber(last) - ipv4ToNumber(first) + 1;
}

function poolTooLong(range: { first: string; last: string }): string {
  const found = `${range.first}-${range.last} has ${addressesIn(range)} addresses`;
  return `${found}, at most ${POOL_ADDRESSES_MAX} wanted; a lab has no more nodes`;
}

/** A range of multicast groups. */
const Groups = AddressRange.refine(
  ({ first, last }) => ipv4ToNumber(first) >= GROUP_FIRST && ipv4ToNumber(last) <= GROUP_LAST,
  {
    error: ({ input }) => {
      const { first, last } = input as { first: string; last: string };
      return (
        `${first}-${last} is not all multicast, groups of 224.0.1.0-239.255.255.255 wanted, ` +
        "best of 239.0.0.0/8"
      );
    },
  },
);

const Port = z.number().int().min(1).max(65535);

/** `server.dhcp`: how nodes get addresses and boot answers. */
const Dhcp = z.discriminatedUnion("mode", [
  /** No boot services: nodes enter in another way. */
  z.strictObject({ mode: z.literal("off") }),
  /** Beside the site's DHCP server. */
  z.strictObject({ mode: z.literal("proxy") }),
  /** We are the DHCP server of an isolated lab network. */
  z.strictObject({
    mode: z.literal("full"),
    range: AddressRange.refine((range) => addressesIn(range) <= POOL_ADDRESSES_MAX, {
      error: ({ input }) => poolTooLong(input as { first: string; last: string }),
    }),
    router: z.ipv4().optional(),
    dns: z.array(z.ipv4()).max(3).optional(),
  }),
]);

const ServerSection = z
  .strictObject({
    /** Name of the lab interface, or its address: exactly one of the two. */
    interface: z.string().min(1).max(15).optional(),
    address: z.ipv4().optional(),
    /** TCP port of the node API. */
    httpPort: Port.default(4080),
    /** TCP port of boot files and boot scripts. */
    bootPort: Port.default(4081),
    /** Folder that `make initramfs` fills: kernel, initramfs, loaders and their manifest. */
    bootFiles: z.string().min(1).max(4096).default("build/boot"),
    /** The site's own loaders, by firmware; each replaces the built one. */
    loaders: z.partialRecord(LoaderArchitecture, z.string().min(1).max(4096)).default({}),
    /** Folder of the images. */
    store: z.string().min(1).max(4096).default("images"),
    /** Folder of the journal and the order key. */
    state: z.string().min(1).max(4096).default("state"),
    /** Unix socket of the operator API. */
    socket: z.string().min(1).max(107).default("/run/huck/huck.sock"),
    /** Multicast groups for sessions: administratively scoped (RFC 2365). */
    groups: Groups.default({ first: "239.192.77.1", last: "239.192.77.64" }),
    /** UDP port of the data plane. */
    dataPort: Port.default(4077),
    /** Bytes of a symbol: a multiple of 32. 1408 fits MTU 1500. */
    symbolBytes: z.number().int().min(32).max(8896).multipleOf(32).default(1408),
    dhcp: Dhcp.default({ mode: "proxy" }),
    /** Cap of each session. Absent: the sender measures. Unit: 10^6 bits per second. */
    rateMbit: z.number().int().min(1).max(100_000).optional(),
    /** Uids that may command the server, beside root and the server's own. */
    uids: z.array(z.number().int().min(0).max(0xfffffffe)).max(256).default([]),
    /** A started node that does not join within this time is lost. */
    bootSeconds: z.number().int().min(5).max(7200).default(600),
    /** A node at work that is silent for this long has fallen silent. */
    silenceSeconds: z.number().int().min(5).max(600).default(30),
    /** A silent node that does not come back within this time is lost; 0: it is not waited for. */
    returnSeconds: z.number().int().min(0).max(7200).default(180),
  })
  .refine((server) => (server.interface === undefined) !== (server.address === undefined), {
    message: "exactly one of interface and address is wanted",
    path: ["interface"],
  })
  .refine(({ dhcp, httpPort, bootPort }) => dhcp.mode === "off" || httpPort !== bootPort, {
    message: "httpPort and bootPort are the same, two ports wanted",
    path: ["bootPort"],
  });
/** The `server:` section with its defaults. */
export type ServerSection = z.infer<typeof ServerSection>;

/** What the entry of a node may name. Drivers do I/O, so their registries are handed in. */
export interface NodeDrivers {
  /** Schema of a `power:` entry. */
  readonly power: z.ZodType<PowerEntry>;
  /** Schema of an `enter:` entry; its output names the driver as a member, never alone. */
  readonly enter: z.ZodType<EnterEntry>;
}

/**
 * Gives the schema of the whole file.
 *
 * @internal A test keeps it frozen.
 * @param drivers - What entries of nodes may name.
 * @returns Its output is complete.
 */
export function configSchema(drivers: NodeDrivers): z.ZodType<ConfigFile> {
  const own = { power: drivers.power.optional(), enter: drivers.enter.optional() };
  return z.strictObject({
    server: ServerSection,
    defaults: NodeDefaults.extend(own).default({}),
    nodes: z.array(NodeEntry.extend(own)).max(4096).default([]),
  });
}

/** What huck.yaml says, as plain data that can be sent between threads. */
export interface ConfigFile {
  readonly server: ServerSection;
  readonly defaults: NodeDefaults;
  readonly nodes: readonly NodeEntry[];
}

export interface Config {
  /** Folders are absolute. */
  readonly server: ServerSection;
  readonly inventory: Inventory;
}

/** Completes the nodes of a parsed file. */
export function configOf({ server, nodes, defaults }: ConfigFile): Config {
  return { server, inventory: new Inventory(nodes, defaults) };
}

/**
 * Parses huck.yaml.
 *
 * @param text - The whole file.
 * @param file - Its absolute path: relative folders start there, errors name it.
 * @param drivers - What entries of nodes may name.
 * @returns With absolute folders.
 * @throws {@link SituationError} `bad_config` with line and reason of the first mistakes; exit code
 *   usage.
 */
export function parseConfigFile(text: string, file: string, drivers: NodeDrivers): ConfigFile {
  const lines = new LineCounter();
  const document = documentOf(text, file, lines);
  const [broken] = document.errors;
  if (broken !== undefined) {
    throw badConfig(file, [
      { line: lines.linePos(broken.pos[0]).line, text: syntaxMistake(broken) },
    ]);
  }
  const line = (at: readonly (string | number)[]): number => lineOf(document, lines, at);
  const parsed = configSchema(drivers).safeParse(valuesOf(document, file, lines), {
    error: valueMistake,
  });
  if (!parsed.success) {
    throw badConfig(
      file,
      parsed.error.issues
        .flatMap((issue) => meant(issue))
        .slice(0, MISTAKES_SHOWN)
        .map(({ at, key, message }) => ({
          line: line([...at, ...key]),
          text: at.length === 0 ? message : `${at.join(".")}: ${message}`,
        })),
    );
  }
  const twice = duplicateOf(parsed.data.nodes);
  if (twice !== undefined) {
    throw badConfig(file, [
      { line: line(["nodes", ...twice.path]), text: `${twice.value} stands in two entries` },
    ]);
  }
  const folder = path.dirname(file);
  const { server } = parsed.data;
  return {
    ...parsed.data,
    server: {
      ...server,
      bootFiles: path.resolve(folder, server.bootFiles),
      loaders: resolved(folder, server.loaders),
      store: path.resolve(folder, server.store),
      state: path.resolve(folder, server.state),
      socket: path.resolve(folder, server.socket),
    },
  };
}

/** @throws {@link SituationError} `bad_config` for a text that is nested too deeply. */
function documentOf(text: string, file: string, lineCounter: LineCounter): Document.Parsed {
  try {
    return parseDocument(text, { lineCounter });
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    throw badConfig(file, [{ line: 1, text: "it is nested too deeply" }]);
  }
}

/** @throws {@link SituationError} `bad_config` for aliases that lead nowhere or expand too far. */
function valuesOf(document: Document.Parsed, file: string, lines: LineCounter): unknown {
  try {
    return document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (thrown) {
    const mistake = expansionMistake(document, thrown);
    if (mistake === undefined) throw thrown;
    const { offset, text } = mistake;
    throw badConfig(file, [{ line: lines.linePos(offset).line, text }]);
  }
}

function resolved<K extends string>(
  folder: string,
  paths: Partial<Record<K, string>>,
): Partial<Record<K, string>> {
  const entries = Object.entries<string | undefined>(paths).flatMap(([key, file]) =>
    file === undefined ? [] : [[key, path.resolve(folder, file)]],
  );
  return Object.fromEntries(entries) as Partial<Record<K, string>>;
}

/**
 * Names the settings of the server that a new file changes, like `server.httpPort`. Ports, folders
 * and waits take effect only when the server starts.
 */
export function serverChanges(before: ServerSection, after: ServerSection): string[] {
  const keys = Object.keys(ServerSection.shape) as (keyof ServerSection)[];
  const changed = keys.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
  return changed.map((key) => `server.${key}`);
}

interface Told {
  readonly at: readonly (string | number)[];
  /** The key that is unknown, if that is the mistake. */
  readonly key: readonly string[];
  readonly message: string;
}

/**
 * Gives what is to be told of an issue. Of a value that may be written in several forms, only the
 * mistakes of the form that was meant are told: the one whose type it has.
 */
function meant(issue: z.core.$ZodIssue, before: readonly (string | number)[] = []): Told[] {
  const at = [...before, ...issue.path.filter((step) => typeof step !== "symbol")];
  if (issue.code === "invalid_union") {
    const form = issue.errors.find(
      (issues) => !issues.some(({ code, path: to }) => code === "invalid_type" && to.length === 0),
    );
    if (form !== undefined) return form.flatMap((inner) => meant(inner, at));
  }
  const key = issue.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  return [{ at, key, message: issue.message }];
}

interface Mistake {
  readonly line: number;
  readonly text: string;
}

function badConfig(file: string, mistakes: readonly Mistake[]): SituationError {
  const list = mistakes.map(({ line, text }) => `line ${line}: ${text}`).join("; ");
  return new SituationError("bad_config", `Cannot read "${file}": ${list}`, {
    cure: "Correct the lines named; `huck init` in an empty folder writes one with every setting.",
    exitCode: ExitCode.usage,
  });
}

/** Gives the line of the longest part of the path that exists in the document. */
function lineOf(document: Document, lines: LineCounter, at: readonly (string | number)[]): number {
  for (let depth = at.length; depth > 0; depth -= 1) {
    const parent: unknown =
      depth === 1 ? document.contents : document.getIn(at.slice(0, depth - 1), true);
    const last = at[depth - 1];
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isPair(item) && String(item.key) === String(last));
      const key = pair?.key;
      if (isNode(key) && key.range) return lines.linePos(key.range[0]).line;
    }
    const node: unknown = document.getIn(at.slice(0, depth), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

/** Aliases may save typing in a long inventory, but may not expand without bound. */
const ALIASES_MAX = 4096;
/** Nobody would read more. */
const MISTAKES_SHOWN = 5;
