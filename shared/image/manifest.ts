/**
 * The manifest: the description of an image in canonical JSON, FORMAT.md section 6.
 *
 * Geometry, partitions and modes are part of the image id, through the content record; everything
 * else (when, where, by which tool) is information only. Unknown members are ignored, so that later
 * minor versions may add some; an image with an unknown name in `requires.features` is refused.
 */
import { z } from "zod";
import { canonicalJson } from "../core/canonical-json.ts";
import { FormatError } from "../core/errors.ts";
import { PARTITIONS_MAX } from "../disk/table.ts";
import {
  FORMAT_MAJOR,
  FORMAT_MINOR,
  LIST_MAX,
  MANIFEST_BYTES_MAX,
  TEXT_BYTES_MAX,
} from "./limits.ts";
import { boundFaultOf } from "./manifest-bounds.ts";

const encoder = new TextEncoder();
const text = z.string().refine(isShortText);
const texts = z.array(text).max(LIST_MAX);
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
/** Bytes: a whole number of extent units. */
const units = count.refine((value) => value % 512 === 0);

const fileSystem = z.object({
  kind: text,
  state: z.enum(["clean", "dirty", "unknown"]),
  uuid: text,
  label: text,
  blockBytes: count,
  features: texts,
});

const partition = z.object({
  /** 0 stands for a disk without a table. */
  number: z.number().int().min(0).max(0xffff),
  startBytes: units,
  lengthBytes: units,
  type: text,
  name: text,
  guid: text,
  mode: z.enum(["allocated", "raw", "skip"]),
  why: text,
  usedBytes: count,
  fs: fileSystem.optional(),
});

const manifest = z.object({
  format: z.literal("huck-image"),
  major: z.literal(FORMAT_MAJOR),
  minor: count,
  disk: z.object({
    sizeBytes: units,
    sectorBytes: z.union([z.literal(512), z.literal(4096)]),
    table: z.enum(["none", "mbr", "gpt"]),
    id: text,
  }),
  partitions: z.array(partition).max(PARTITIONS_MAX),
  requires: z.object({ minBytes: units, features: texts }),
  stats: z.object({ chunks: count, rawBytes: count, storedBytes: count }),
  saved: z.object({ at: z.iso.datetime(), tool: text, host: text, codec: text, level: count }),
  warnings: texts,
});

/** A manifest; sizes in bytes. */
export type Manifest = z.infer<typeof manifest>;
/** One partition of a manifest. */
export type ManifestPartition = Manifest["partitions"][number];

/** An image that requires a feature not listed here is refused. */
const KNOWN_FEATURES: readonly string[] = [];

/**
 * @param value - Without the members that name the format.
 * @returns Canonical JSON, UTF-8.
 */
export function encodeManifest(value: Omit<Manifest, "format" | "major" | "minor">): Uint8Array {
  const whole = { ...value, format: "huck-image", major: FORMAT_MAJOR, minor: FORMAT_MINOR };
  return canonicalJson(whole);
}

/**
 * @param bytes - UTF-8.
 * @throws {@link FormatError} `bad_manifest`, `unknown_feature`.
 */
export function decodeManifest(bytes: Uint8Array): Manifest {
  const parsed = manifest.safeParse(parseJson(bytes));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const found = `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`;
    throw new FormatError("bad_manifest", `Cannot read manifest: ${found}`);
  }
  const unknown = parsed.data.requires.features.find((name) => !KNOWN_FEATURES.includes(name));
  if (unknown === undefined) return parsed.data;
  throw new FormatError("unknown_feature", `Cannot read image: it requires "${unknown}"`);
}

/**
 * Shortens a text to the length that a manifest may hold.
 *
 * @returns At most 255 bytes of UTF-8, without half a character.
 */
export function clipText(value: string): string {
  const bytes = new TextEncoder().encode(value);
  if (bytes.length <= TEXT_BYTES_MAX) return value;
  const cut = new TextDecoder().decode(bytes.subarray(0, TEXT_BYTES_MAX - 3));
  return cut.replace(/\ufffd+$/, "");
}

/** UTF-8 takes at most three bytes for each unit of a string, so most texts need not be encoded. */
function isShortText(value: string): boolean {
  if (value.length > TEXT_BYTES_MAX) return false;
  return value.length * 3 <= TEXT_BYTES_MAX || encoder.encode(value).length <= TEXT_BYTES_MAX;
}

function parseJson(bytes: Uint8Array): unknown {
  if (bytes.byteLength > MANIFEST_BYTES_MAX) {
    throw new FormatError("bad_manifest", `Cannot read manifest: ${bytes.byteLength} bytes`);
  }
  const fault = boundFaultOf(bytes);
  if (fault !== undefined) {
    throw new FormatError("bad_manifest", `Cannot read manifest: it has ${fault}`);
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new FormatError("bad_manifest", "Cannot read manifest: not JSON", { cause });
  }
}
