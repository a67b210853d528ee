/**
 * What `manifest.json` says about the boot files beside it: which part each of them is.
 *
 * `make initramfs` writes the manifest, because only the build knows what it has made; the server
 * never guesses a part from a file name. The build writes more members than these (kernel modules,
 * inputs); they are skipped here.
 */
import * as z from "zod";
import { SituationError, messageOf } from "../../shared/core/errors.ts";

/** Name of the manifest in the folder of the boot files. */
export const MANIFEST_NAME = "manifest.json";
/** Longest manifest that is read; the first one of format 2 had 6 kB. Unit: bytes. */
export const BOOT_MANIFEST_BYTES_MAX = 1 << 20;
/**
 * The present format. Format 1 listed only size and digest of each file, not its part.
 *
 * @internal The build writes it.
 */
export const MANIFEST_FORMAT = 2;

/** Processor that a kernel and its archives run on, by the names that Node.js uses. */
export const Processor = z.enum(["x64", "arm64"]);
export type Processor = z.infer<typeof Processor>;

/** Firmware that a loader runs on (client architecture, RFC 4578). */
export const LoaderArchitecture = z.enum(["bios", "efi-x64", "efi-arm64"]);
export type LoaderArchitecture = z.infer<typeof LoaderArchitecture>;

/** Name under which a file is published. It may stand in a URL and in a kernel argument. */
export const BootFileName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "letters, digits, dots and dashes wanted");

const file = {
  name: BootFileName,
  /** At most 4 GiB: no node unpacks more than that into its memory. */
  sizeBytes: z
    .int()
    .min(1)
    .max(2 ** 32),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits wanted"),
};

/** A file of the manifest, with its part. */
const BootFile = z.discriminatedUnion("role", [
  /** The receiver's kernel. */
  z.object({ role: z.literal("kernel"), architecture: Processor, ...file }),
  /** A part of the receiver's root file system; archives are unpacked in this order. */
  z.object({
    role: z.literal("archive"),
    architecture: Processor,
    order: z.int().min(0).max(63),
    ...file,
  }),
  /** The network boot program for one kind of firmware. */
  z.object({ role: z.literal("loader"), architecture: LoaderArchitecture, ...file }),
  /** A file that can be fetched by name, but that no answer of ours names. */
  z.object({ role: z.literal("extra"), ...file }),
]);
export type BootFile = z.infer<typeof BootFile>;

const BootManifest = z.object({
  format: z.literal(MANIFEST_FORMAT),
  /** Version of huck that built the files. */
  version: z.string().min(1).max(64),
  files: z.array(BootFile).min(1).max(64),
});
/** The members of `manifest.json` that the boot services read. */
export type BootManifest = z.infer<typeof BootManifest>;

/**
 * Reads a manifest, and checks that no two files claim one name or one part.
 *
 * @param text - Content of the file, at most {@link BOOT_MANIFEST_BYTES_MAX}.
 * @param place - Path of the file, for the message.
 * @throws {@link SituationError} `bad_boot_manifest`.
 */
export function parseBootManifest(text: string, place: string): BootManifest {
  const json = jsonOf(text, place);
  const parsed = BootManifest.safeParse(json);
  if (!parsed.success) throw badManifest(place, mistakeIn(parsed.error, json));
  const twice = claimedTwice(parsed.data.files);
  if (twice !== undefined) throw badManifest(place, `two files claim ${twice}, one wanted`);
  return parsed.data;
}

function jsonOf(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw badManifest(place, messageOf(cause), cause);
  }
}

function mistakeIn(error: z.ZodError, json: unknown): string {
  const format = z.object({ format: z.number() }).safeParse(json);
  if (format.success && format.data.format !== MANIFEST_FORMAT) {
    return `format ${format.data.format} found, ${MANIFEST_FORMAT} wanted`;
  }
  const [issue] = error.issues;
  return `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`;
}

/** The name and the part that a file claims; no other file may claim them. */
function claimsOf(one: BootFile): readonly string[] {
  const name = `the name "${one.name}"`;
  switch (one.role) {
    case "kernel":
      return [name, `the kernel of ${one.architecture}`];
    case "archive":
      return [name, `place ${one.order} among the archives of ${one.architecture}`];
    case "loader":
      return [name, `the loader of ${one.architecture}`];
    case "extra":
      return [name];
  }
}

function claimedTwice(files: readonly BootFile[]): string | undefined {
  const claims = files.flatMap(claimsOf);
  return claims.find((claim, index) => claims.indexOf(claim) !== index);
}

function badManifest(place: string, found: string, cause?: unknown): SituationError {
  const message = `Cannot use "${place}": ${found}`.slice(0, MESSAGE_CHARACTERS_MAX);
  return new SituationError("bad_boot_manifest", message, {
    cure: 'Run "make initramfs" with this version of huck.',
    cause,
  });
}

/** Bounds the message, so that a hostile manifest cannot fill the log. */
const MESSAGE_CHARACTERS_MAX = 500;
