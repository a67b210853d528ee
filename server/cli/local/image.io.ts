/**
 * The verbs of `huck image` that work on image files and disks of this computer. Those that ask the
 * server are in remote/images.io.ts.
 *
 * Only the answer itself goes to standard output; all other text for people goes to standard error.
 */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import packageFile from "../../../package.json" with { type: "json" };
import { ExitCode, SituationError } from "../../../shared/core/errors.ts";
import { type CodecChoice, createChunkCodec } from "../../../shared/image/codec.ts";
import { DEFAULT_LEVEL } from "../../../shared/image/limits.ts";
import { checkImage } from "../../../shared/image/verify.ts";
import { choiceOption, wholeOption } from "../option-values.ts";
import { createTerminalReporter, type TerminalReporter } from "../terminal-reporter.io.ts";
import { countText, speedText, sizeText } from "../quantity-text.ts";
import { stdout } from "../terminal.io.ts";
import { hostName } from "./disk-source.io.ts";
import { openFolderStore } from "../../store/folder-store.io.ts";
import { openPlaces } from "../../store/image-file.io.ts";
import { openImageNamed, refuseSwapped } from "./image-named.io.ts";
import { imagePlace } from "./image-place.ts";
import { progressLine } from "./image-progress.io.ts";
import { restoreLocally } from "./restore-locally.io.ts";
import { saveImage } from "./save-locally.io.ts";
import { stoppable } from "./stoppable.io.ts";
import { checkLines, infoLines } from "./image-text.ts";

interface CommonFlags {
  readonly store: string;
  readonly json?: boolean;
}

interface SaveFlags extends CommonFlags {
  readonly output: string;
  readonly rawIfDirty?: boolean;
  readonly keepGaps?: boolean;
  readonly sectorBytes?: "512" | "4096";
  /** zstd level, 1 .. 19. */
  readonly level: number;
  readonly codec: CodecChoice;
}

interface RestoreFlags extends CommonFlags {
  readonly erase?: string;
  readonly verify: "sample" | "full";
  readonly codec: CodecChoice;
}

const SAVE_STOPS = {
  ends: false,
  words: "it stops after the chunk that is being saved, and keeps nothing",
};
const RESTORE_STOPS = {
  ends: false,
  words: "it stops after the chunk that is being written; the target will not boot then",
};
const LEVEL_MAX = 19;
const CODECS: readonly CodecChoice[] = ["auto", "zstd-napi", "node:zlib"];

/** Describes `huck image files` on a fresh command, which it gives back. */
export function filesCommand(command: Command): Command {
  return common(command).action(async (flags: CommonFlags) => {
    await listFiles(flags);
  });
}

/** Describes `huck image info` on a fresh command, which it gives back. */
export function infoCommand(command: Command): Command {
  return common(command)
    .argument("<image>", IMAGE_ARGUMENT)
    .action(async (image: string, flags: CommonFlags) => {
      await showInfo(image, flags);
    });
}

/** Describes `huck image verify` on a fresh command, which it gives back. */
export function verifyCommand(command: Command): Command {
  return common(command)
    .argument("<image>", IMAGE_ARGUMENT)
    .action(async (image: string, flags: CommonFlags) => {
      process.exitCode = await verify(image, flags);
    });
}

/** Describes `huck image save` on a fresh command, which it gives back. */
export function saveFileCommand(command: Command): Command {
  return common(command)
    .argument("<source>", "disk (/dev/disk/by-id/...) or file; only ever read")
    .requiredOption("-o, --output <image>", "image to make: a .huck file or a name")
    .option("--raw-if-dirty", "keep every sector of a file system that is not clean")
    .option("--keep-gaps", "keep all between partitions and behind file systems")
    .option(
      "--sector-bytes <size>",
      "sector size of a file: 512 or 4096 (default: found out)",
      choiceOption("--sector-bytes", ["512", "4096"]),
    )
    .option(
      "--level <number>",
      "zstd level, 1 to 19",
      wholeOption("--level", { least: 1, most: LEVEL_MAX }),
      DEFAULT_LEVEL,
    )
    .option("--codec <name>", CODECS.join(", "), choiceOption("--codec", CODECS), "auto")
    .action(async (source: string, flags: SaveFlags) => {
      await save(source, flags);
    });
}

/** Describes `huck image restore` on a fresh command, which it gives back. */
export function restoreCommand(command: Command): Command {
  return common(command)
    .argument("<image>", IMAGE_ARGUMENT)
    .argument("<target>", "disk, or file; a file that is not there is made")
    .option("--erase <name>", "serial number or WWN of the disk, or path of the file, to be erased")
    .option(
      "--verify <level>",
      "what is read back: sample or full",
      choiceOption("--verify", ["sample", "full"]),
      "sample",
    )
    .option("--codec <name>", CODECS.join(", "), choiceOption("--codec", CODECS), "auto")
    .action(async (image: string, target: string, flags: RestoreFlags) => {
      await restore(image, target, flags);
    });
}

const IMAGE_ARGUMENT = "a .huck file, or a name in the folder given by --store";

function common(command: Command): Command {
  return command
    .option("--store <folder>", "folder of images", ".")
    .option("--json", "one JSON object per line on standard output");
}

async function listFiles(flags: CommonFlags): Promise<void> {
  if (!existsSync(flags.store)) throw noStore(flags.store);
  const { images, torn } = await openFolderStore(flags.store).list();
  if (flags.json === true) {
    for (const image of images) stdout.printJson({ kind: "image", ...image });
    for (const file of torn) stdout.printJson({ kind: "torn", file });
    return;
  }
  for (const one of images) {
    put(`${one.name}  ${one.id.slice(0, 12)}  ${sizeText(one.fileBytes)}  ${one.createdAt}`);
  }
  for (const name of torn) put(`${name}  cannot be read: \`huck image verify ${name}\` says why`);
}

function noStore(folder: string): SituationError {
  return new SituationError("no_store", `Cannot list images: there is no folder "${folder}"`, {
    cure: "Name the folder of your images with --store.",
  });
}

async function showInfo(image: string, flags: CommonFlags): Promise<void> {
  const opened = await openImageNamed(imagePlace(image, flags.store).file);
  opened.close();
  const { index, summary } = opened;
  const facts = { id: summary.id, fileBytes: summary.fileBytes, ...index.manifest };
  if (flags.json === true) stdout.printJson({ kind: "info", ...facts });
  else for (const line of infoLines(index)) put(line);
}

async function verify(image: string, flags: CommonFlags): Promise<ExitCode> {
  const { index, places, ...opened } = await openImageNamed(imagePlace(image, flags.store).file);
  const file = openPlaces(places);
  opened.close();
  try {
    const line = progressLine(reporterOf(flags), () => performance.now());
    const total = index.manifest.stats.rawBytes;
    const check = await checkImage(file, index, await createChunkCodec(), async (done) => {
      line("checking", done, total);
      await new Promise((resolve) => setImmediate(resolve)); // lets Ctrl-C take effect
    });
    if (flags.json === true) stdout.printJson({ kind: "check", ...check });
    else for (const text of checkLines(check)) put(text);
    return check.problemCount === 0 ? ExitCode.ok : ExitCode.someNodeNotRight;
  } finally {
    file.close();
  }
}

async function save(source: string, flags: SaveFlags): Promise<void> {
  const reporter = reporterOf(flags);
  const place = imagePlace(flags.output, flags.store);
  const task = {
    source,
    place,
    rawIfDirty: flags.rawIfDirty ?? false,
    keepGaps: flags.keepGaps ?? false,
    ...(flags.sectorBytes === undefined ? {} : { sectorBytes: sectorSize(flags.sectorBytes) }),
    level: flags.level,
    codec: flags.codec,
    tool: `huck ${packageFile.version}`,
    host: hostName(),
  };
  const startMs = performance.now();
  const summary = await stoppable(SAVE_STOPS, (signal) => saveImage(task, reporter, signal));
  const { name, id, usedBytes, fileBytes } = summary;
  const tookMs = performance.now() - startMs;
  const facts = { kind: "saved", ...summary, seconds: tookMs / 1000 };
  const sizes = `${sizeText(usedBytes)} of content in ${sizeText(fileBytes)}`;
  reporter.event(`Saved "${name}": ${sizes}, ${speedText(usedBytes, tookMs)}, id ${id}`, facts);
}

function sectorSize(word: "512" | "4096"): 512 | 4096 {
  return word === "512" ? 512 : 4096;
}

async function restore(image: string, target: string, flags: RestoreFlags): Promise<void> {
  const reporter = reporterOf(flags);
  const task = {
    image: imagePlace(image, flags.store).file,
    target,
    verify: flags.verify,
    codec: flags.codec,
    ...(flags.erase === undefined ? {} : { erase: flags.erase }),
  };
  refuseSwapped(image, target, flags.store);
  const startMs = performance.now();
  const result = await stoppable(RESTORE_STOPS, (signal) => restoreLocally(task, reporter, signal));
  const { writtenBytes, verifiedChunks, id } = result;
  const tookMs = performance.now() - startMs;
  const readBack = `${countText(verifiedChunks, "chunk")} read back`;
  const text =
    `Restored ${sizeText(writtenBytes)} to "${target}", ${readBack}, ` +
    `${speedText(writtenBytes, tookMs)}, id ${id}`;
  reporter.event(text, { kind: "restored", target, ...result, seconds: tookMs / 1000 });
}

function reporterOf(flags: CommonFlags): TerminalReporter {
  return createTerminalReporter({ json: flags.json ?? false, jsonTo: 1 });
}

function put(line: string): void {
  stdout.print(line);
}
