/**
 * `huck image`: work on image files of this computer, beside the verbs that ask the server for its
 * store.
 *
 * The one idea: options become a task, the task runs in image-save.ts or image-restore.ts, and the
 * exit code says how it ended. Everything for people goes to standard error but the answer itself.
 */
import type { Command } from "commander";
import packageFile from "../../../package.json" with { type: "json" };
import { ExitCode, SituationError } from "../../../shared/core/errors.ts";
import { toHex } from "../../../shared/core/digest.ts";
import { type CodecChoice, createCodecPool } from "../../../shared/image/codec.ts";
import { DEFAULT_LEVEL } from "../../../shared/image/limits.ts";
import { checkImage } from "../../../shared/image/verify.ts";
import { wholeOption } from "../option-values.ts";
import { createReporter, type Reporter } from "../terminal.io.ts";
import { sizeText } from "../size-text.ts";
import { imageCommand as serverVerbs } from "../remote/look.io.ts";
import { hostName } from "./disk-source.io.ts";
import { openFolderStore, openImageFile } from "../../store/folder-store.io.ts";
import { imagePlace } from "./image-place.ts";
import { progressLine, stoppable } from "./image-progress.io.ts";
import { restoreLocally } from "./restore-locally.io.ts";
import { saveImage } from "./save-locally.io.ts";
import { checkLines, infoLines } from "./image-text.ts";

interface CommonFlags {
  readonly store: string;
  readonly json?: boolean;
}

interface SaveFlags extends CommonFlags {
  readonly output: string;
  readonly rawIfDirty?: boolean;
  readonly level: string;
  readonly codec: string;
}

interface RestoreFlags extends CommonFlags {
  readonly erase?: string;
  readonly verify: string;
  readonly codec: string;
}

const LEVEL_MAX = 19;
const CODECS: readonly CodecChoice[] = ["auto", "zstd-napi", "node:zlib"];

/**
 * Describes `image` with all its verbs.
 *
 * @param command - The command `image`.
 * @returns The same command.
 */
export function imageCommand(command: Command): Command {
  serverVerbs(command);
  common(command.command("files"))
    .description("list the images in a folder of this computer")
    .action((flags: CommonFlags) => {
      listFiles(flags);
    });
  common(command.command("info"))
    .description("tell what an image holds and what disk it needs")
    .argument("<image>", IMAGE_ARGUMENT)
    .action((image: string, flags: CommonFlags) => {
      showInfo(image, flags);
    });
  common(command.command("verify"))
    .description("check every byte of an image")
    .argument("<image>", IMAGE_ARGUMENT)
    .action(async (image: string, flags: CommonFlags) => {
      process.exitCode = await verify(image, flags);
    });
  common(command.command("save"))
    .description("save a disk of this computer, or a file that holds one, as an image")
    .argument("<source>", "disk (/dev/disk/by-id/...) or file; only ever read")
    .requiredOption("-o, --output <image>", "image to make: a .huck file or a name")
    .option("--raw-if-dirty", "keep every sector of a file system that is not clean")
    .option("--level <number>", "zstd level, 1 to 19", String(DEFAULT_LEVEL))
    .option("--codec <name>", CODECS.join(", "), "auto")
    .action(async (source: string, flags: SaveFlags) => {
      await save(source, flags);
    });
  common(command.command("restore"))
    .description("write an image to a disk or file of this computer")
    .argument("<image>", IMAGE_ARGUMENT)
    .argument("<target>", "disk, or file; a file that is not there is made")
    .option("--erase <name>", "serial number or WWN of the disk, or path of the file, to be erased")
    .option("--verify <level>", "what is read back: sample or full", "sample")
    .option("--codec <name>", CODECS.join(", "), "auto")
    .action(async (image: string, target: string, flags: RestoreFlags) => {
      await restore(image, target, flags);
    });
  return command;
}

const IMAGE_ARGUMENT = "a .huck file, or a name in the folder given by --store";

function common(command: Command): Command {
  return command
    .option("--store <folder>", "folder of images", ".")
    .option("--json", "one JSON object per line on standard output");
}

function listFiles(flags: CommonFlags): void {
  const { images, torn } = openFolderStore(flags.store).list();
  const rows = images.map((one) =>
    flags.json === true
      ? JSON.stringify(one)
      : `${one.name}  ${one.id.slice(0, 12)}  ${sizeText(one.fileBytes)}  ${one.createdAt}`,
  );
  const broken = torn.map((name) =>
    flags.json === true ? JSON.stringify({ torn: name }) : `${name}  torn or damaged`,
  );
  for (const line of [...rows, ...broken]) put(line);
}

function showInfo(image: string, flags: CommonFlags): void {
  const file = openImageFile(imagePlace(image, flags.store).file);
  try {
    const { index } = file;
    const facts = { id: toHex(index.imageId), fileBytes: file.fileBytes, ...index.manifest };
    if (flags.json === true) put(JSON.stringify(facts));
    else for (const line of infoLines(index)) put(line);
  } finally {
    file.close();
  }
}

async function verify(image: string, flags: CommonFlags): Promise<ExitCode> {
  const file = openImageFile(imagePlace(image, flags.store).file);
  try {
    const line = progressLine(reporterOf(flags), () => performance.now());
    const total = file.index.manifest.stats.rawBytes;
    const check = checkImage(file, file.index, await createCodecPool(), (done) => {
      line("checking", done, total);
    });
    if (flags.json === true) put(JSON.stringify(check));
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
    level: wholeOption(flags.level, "--level", LEVEL_MAX),
    codec: codecOf(flags.codec),
    tool: `huck ${packageFile.version}`,
    host: hostName(),
  };
  const summary = await stoppable((signal) => saveImage(task, reporter, signal));
  const { name, id, usedBytes, fileBytes } = summary;
  const sizes = `${sizeText(usedBytes)} of content in ${sizeText(fileBytes)}`;
  reporter.event(`Saved "${name}": ${sizes}, id ${id}`, { event: "saved", ...summary });
}

async function restore(image: string, target: string, flags: RestoreFlags): Promise<void> {
  const reporter = reporterOf(flags);
  const task = {
    image: imagePlace(image, flags.store).file,
    target,
    verify: verifyOf(flags.verify),
    codec: codecOf(flags.codec),
    ...(flags.erase === undefined ? {} : { erase: flags.erase }),
  };
  const result = await stoppable((signal) => restoreLocally(task, reporter, signal));
  const { writtenBytes, verifiedChunks } = result;
  reporter.event(
    `Restored ${sizeText(writtenBytes)} to "${target}", ${verifiedChunks} chunks read back`,
    { event: "restored", target, ...result },
  );
}

function reporterOf(flags: CommonFlags): Reporter {
  return createReporter({ json: flags.json ?? false, jsonTo: 1 });
}

/** @throws {@link SituationError} `usage`. */
function codecOf(text: string): CodecChoice {
  const found = CODECS.find((codec) => codec === text);
  if (found !== undefined) return found;
  throw unusable("--codec", text, CODECS.join(", "));
}

/** @throws {@link SituationError} `usage`. */
function verifyOf(text: string): "sample" | "full" {
  if (text === "sample" || text === "full") return text;
  throw unusable("--verify", text, "sample or full");
}

function unusable(flag: string, text: string, wanted: string): SituationError {
  return new SituationError("usage", `Cannot use ${flag} "${text}": ${wanted} wanted`, {
    cure: `Give one of ${wanted}`,
    exitCode: ExitCode.usage,
  });
}

function put(line: string): void {
  process.stdout.write(`${line}\n`);
}
