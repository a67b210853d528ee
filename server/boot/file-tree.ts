/**
 * The files that a node can fetch by TFTP or HTTP: one table of names for each node.
 *
 * A path is a folder and a name. The folder says for which node the name is looked up:
 *
 *     boot/nodes/<mac>/   for the node with that MAC
 *     boot/files/         for the node that asks, known by its address
 *     (none)              the same: this is what firmware asks by TFTP
 *
 * The name is a published file, which is the same for all nodes, or a script, which is written for
 * one node. Both are looked up in maps. Nothing is decoded, joined or normalised, so "..", "%2e"
 * and backslashes are just names that do not exist. urls.ts writes the paths that we hand out.
 */
import type { Mac } from "./addresses.ts";
import { parseMac } from "./addresses.ts";
import type { BootAsset, ReceiverAssets } from "./assets.ts";
import type { Processor } from "./boot-manifest.ts";
import type { BootNode, BootTable } from "./boot-table.ts";
import type { ScriptWriter } from "./scripts/script-writer.ts";
import { scriptWriters } from "./scripts/script-writers.ts";

/** A script that is written when it is fetched. */
export interface NodeScript {
  readonly kind: "script";
  readonly mac: Mac;
  readonly node: BootNode;
  readonly writer: ScriptWriter;
  /** The receiver that it starts; undefined: it goes on to the disk. */
  readonly receiver: ReceiverAssets | undefined;
}

/** The file at a path. */
export type TreeFile = { readonly kind: "asset"; readonly asset: BootAsset } | NodeScript;

/**
 * Looks a path up.
 *
 * @param path - As it stands in the request, with or without a slash at the beginning.
 * @param asker - The MAC that uses the asking address, if it is known.
 * @returns Undefined if there is no such file, or the node may not have it.
 */
export function lookUp(
  table: BootTable,
  path: string,
  asker: Mac | undefined,
): TreeFile | undefined {
  if (path.length > PATH_CHARACTERS_MAX) return undefined;
  const [, folderMac, name = ""] = PATH.exec(path) ?? [];
  const script = SCRIPTS.get(name);
  if (script !== undefined) {
    return scriptOf(table, script, folderMac === undefined ? asker : parseMac(folderMac));
  }
  const asset = table.assets.files.get(name);
  return asset === undefined ? undefined : { kind: "asset", asset };
}

interface ScriptName {
  readonly writer: ScriptWriter;
  readonly processor: Processor;
}

function scriptOf(
  { nodes, assets }: BootTable,
  { writer, processor }: ScriptName,
  mac: Mac | undefined,
): NodeScript | undefined {
  const node = mac === undefined ? undefined : nodes.get(mac);
  if (mac === undefined || node === undefined) return undefined;
  if (node.answer === "disk") return { kind: "script", mac, node, writer, receiver: undefined };
  const receiver = assets.receivers.get(processor);
  return receiver === undefined ? undefined : { kind: "script", mac, node, writer, receiver };
}

/** Longer than any path that we hand out. */
const PATH_CHARACTERS_MAX = 256;
const PATH = /^\/?(?:boot\/files\/|boot\/nodes\/((?:[0-9a-f]{2}-){5}[0-9a-f]{2})\/)?([^]*)$/;

const SCRIPTS: ReadonlyMap<string, ScriptName> = new Map(
  scriptWriters.flatMap((writer) =>
    (["x64", "arm64"] as const).map((processor) => {
      return [writer.names[processor], { writer, processor }] as const;
    }),
  ),
);
