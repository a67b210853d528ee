/**
 * The plan of a capture: which sectors of a disk are kept, and why, partition by partition.
 *
 * Partition maps, table sectors and gaps become one map of the whole disk before a byte is copied,
 * so a refusal comes first and costs nothing. A dirty file system is refused unless the operator
 * asks for every sector. A file system or table that we cannot read is kept whole, and the image
 * records the reason. Whatever is not kept is looked at, and said if it is data.
 */
import { lookAt, type Sight } from "./look.ts";
import { cutRegions, lostInGaps, type PartitionUse, type Region } from "./regions.ts";
import { toHex } from "../core/digest.ts";
import { SituationError } from "../core/errors.ts";
import { intersectRanges, normalRanges, type Range, totalOfRanges } from "../core/ranges.ts";
import type { ByteCount } from "../core/units.ts";
import { decodeGateRecord, type GateRecord } from "../disk/gate-record.ts";
import { nestedBecause } from "../disk/labels.ts";
import { readPartitionTable } from "../disk/probe.ts";
import { partitionSource, readBytes, type SectorSource } from "../disk/source.ts";
import type { Partition, PartitionTable } from "../disk/table.ts";
import { keptRaw, readFileSystem } from "../filesystem/probe.ts";
import type { FsReport } from "../filesystem/reader.ts";

/** Partition type of GRUB's second stage on GPT disks: code without a file system. */
const BIOS_BOOT_TYPE = "21686148-6449-6e6f-744e-656564454649";

/** Digits of an image id in messages. */
const ID_DIGITS = 12;

/** How a partition is captured. `skip`: nothing of it is kept. */
export type CaptureMode = "allocated" | "raw" | "skip";

/** A partition, and how much of it is kept. */
export interface PartitionPlan {
  /** Its number is 0 on a disk without a table. */
  readonly partition: Partition;
  /** How much of it is kept. */
  readonly mode: CaptureMode;
  /** Why, as part of a sentence. */
  readonly why: string;
  /** Report of its file system; undefined for containers. */
  readonly report?: PlannedReport;
  /** Bytes kept. */
  readonly usedBytes: ByteCount;
}

/** The report of a file system without its map. */
type PlannedReport = Omit<FsReport, "used" | "behind">;

/** Which sectors of a disk are kept. */
export interface DiskPlan {
  /** Logical sector size. Unit: bytes. */
  readonly sectorBytes: number;
  /** Size of the disk. Unit: sectors. */
  readonly sectorCount: number;
  readonly table: PartitionTable;
  /** Partitions by ascending start. */
  readonly partitions: readonly PartitionPlan[];
  /** Everything that is kept, by ascending start. */
  readonly regions: readonly Region[];
  /** Size of the smallest disk that the image fits on. Unit: bytes. */
  readonly minBytes: ByteCount;
  /** Warnings for the operator, one sentence each. */
  readonly warnings: readonly string[];
}

/** The operator's decisions. */
export interface PlanOptions {
  /** Keep every sector of a dirty file system instead of refusing. */
  readonly rawIfDirty: boolean;
  /**
   * Keep everything that lies between partitions and behind file systems; default: of long
   * stretches, the edges alone.
   */
  readonly keepGaps?: boolean;
}

/**
 * Plans the capture of a disk.
 *
 * @param source - The whole disk; only read here, and nobody may write it meanwhile.
 * @throws {@link SituationError} `filesystem_dirty`, `disk_incomplete`; FormatError `no_disk` for a
 *   disk without a sector; a system error when the device fails.
 */
export function planDisk(source: SectorSource, options: PlanOptions): DiskPlan {
  const table = readPartitionTable(source);
  const { sectorBytes, sectorCount } = source;
  const partitions: PartitionPlan[] = [];
  const uses: PartitionUse[] = [];
  const lost: Lost[] = [];
  const warnings = [...table.warnings];
  for (const partition of table.kind === "none" ? [wholeDisk(source)] : table.partitions) {
    if (partition.container) {
      partitions.push({ partition, mode: "skip", why: "it only holds logical ones", usedBytes: 0 });
      continue;
    }
    const { plan, used, behind } = planPartition(source, partition, table, options);
    partitions.push(plan);
    uses.push({ partition, used });
    lost.push(...behind.map((range) => ({ ...range, plan })));
    if (plan.report !== undefined) warnings.push(...warningsOf(plan, plan.report));
  }
  const disk = { sectorBytes, sectorCount, keepGaps: options.keepGaps === true };
  lost.push(...lostInGaps(table, uses, disk));
  warnings.push(...lossWarnings(source, lost));
  const regions = cutRegions(table, uses, disk);
  const minBytes = smallestDisk(table, regions, source);
  if (minBytes > sectorCount * sectorBytes) {
    warnings.push(
      "There is no room for a backup GPT behind the last partition: the image will fit disks of " +
        `this very size, and of at least ${minBytes} bytes.`,
    );
  }
  return { sectorBytes, sectorCount, table, partitions, regions, minBytes, warnings };
}

/**
 * @returns All sectors that are kept; a normal list.
 * @internal Exported for a test.
 */
export function usedSectors(plan: DiskPlan): Range[] {
  return normalRanges(plan.regions.flatMap((region) => region.used));
}

function wholeDisk(source: SectorSource): Partition {
  const { sectorCount } = source;
  return { number: 0, start: 0, sectorCount, type: "", name: "", guid: "", container: false };
}

interface PlannedPartition extends Pick<PartitionUse, "used"> {
  readonly plan: PartitionPlan;
  /** Sectors of the disk behind its file system that are not kept. */
  readonly behind: readonly Range[];
}

function planPartition(
  source: SectorSource,
  partition: Partition,
  table: PartitionTable,
  options: PlanOptions,
): PlannedPartition {
  const { start, sectorCount } = partition;
  const view = partitionSource(source, start, sectorCount);
  const {
    used: relative,
    behind,
    ...report
  } = reportOf(view, partition, {
    table,
    rawIfDirty: options.rawIfDirty,
  });
  if (report.state === "dirty" && !options.rawIfDirty) throw dirtyError(partition, report);
  const absolute = (range: Range): Range => ({
    start: range.start + start,
    end: range.end + start,
  });
  const tail = normalRanges([absolute(behind)]);
  // Sectors of the table count as in use, even inside of a partition.
  const tables = intersectRanges(table.tableSectors, [{ start, end: start + sectorCount }]);
  const tails = options.keepGaps === true ? tail : [];
  const used = normalRanges([...relative.map(absolute), ...tables, ...tails]);
  const usedBytes = totalOfRanges(used) * source.sectorBytes;
  const raw = report.rawBecause;
  const boot = partition.type === BIOS_BOOT_TYPE;
  const why = boot
    ? "it holds boot code (BIOS boot partition)"
    : (raw ?? `its ${report.kind} map is true`);
  const mode = raw === undefined ? "allocated" : "raw";
  const plan: PartitionPlan = { partition, mode, why, report, usedBytes };
  return { plan, used, behind: options.keepGaps === true ? [] : tail };
}

/**
 * A map is used only if nothing says that the partition holds more than one file system. A disk, or
 * partition, whose load did not finish holds none, whatever part of one is there.
 *
 * @throws {@link SituationError} `disk_incomplete`.
 */
function reportOf(
  view: SectorSource,
  partition: Partition,
  { table, rawIfDirty }: { readonly table: PartitionTable; readonly rawIfDirty: boolean },
): FsReport {
  const record = decodeGateRecord(readBytes(view, 0, view.sectorBytes));
  if (record !== undefined) return reportOfHalfWritten(view, partition, record, rawIfDirty);
  if (table.wholeBecause !== undefined) return keptRaw(view, table.wholeBecause);
  const nested = partition.number === 0 ? undefined : nestedBecause(view, partition.type);
  return nested === undefined ? readFileSystem(view) : keptRaw(view, nested);
}

function reportOfHalfWritten(
  view: SectorSource,
  partition: Partition,
  record: GateRecord,
  rawIfDirty: boolean,
): FsReport {
  const image = toHex(record.imageId).slice(0, ID_DIGITS);
  const found = `a load of image ${image} onto it did not finish (order "${record.orderId}")`;
  if (rawIfDirty) return keptRaw(view, found);
  const name = partition.number === 0 ? "disk" : `partition ${partition.number}`;
  throw new SituationError("disk_incomplete", `Cannot save ${name}: ${found}`, {
    cure: "Load the image again and save then, or keep all sectors as they are with --raw-if-dirty",
  });
}

function dirtyError(partition: Partition, report: PlannedReport): SituationError {
  const name = partition.number === 0 ? "disk" : `partition ${partition.number}`;
  const found = report.rawBecause ?? "it is dirty";
  return new SituationError(
    "filesystem_dirty",
    `Cannot save ${name} (${report.kind}): ${found}, a clean one wanted`,
    {
      cure: "Unmount it in order and check it, or keep all its sectors with --raw-if-dirty",
    },
  );
}

function* warningsOf(plan: PartitionPlan, report: PlannedReport): Generator<string> {
  const name = nameOf(plan.partition);
  for (const warning of report.warnings) yield `${name}: ${warning}`;
  if (plan.mode === "raw") yield `${name} is kept whole: ${plan.why}.`;
}

function nameOf({ number }: Partition): string {
  return number === 0 ? "The disk" : `Partition ${number}`;
}

/** Sectors that are not kept: of a gap, or behind the file system of a partition. */
interface Lost extends Range {
  readonly plan?: PartitionPlan;
}

/** Nothing is said of gaps that are zeros; a file system that is short is always worth a line. */
function* lossWarnings(source: SectorSource, lost: readonly Lost[]): Generator<string> {
  const sights = lookAt(source, lost);
  for (const [index, { start, end, plan }] of lost.entries()) {
    const sight = sights[index] ?? NOTHING_SEEN;
    if (plan === undefined && sight.complete && sight.data === undefined) continue;
    const bytes = (end - start) * source.sectorBytes;
    const place = `${start * source.sectorBytes} to ${end * source.sectorBytes}`;
    const where = plan === undefined ? "are outside every partition" : behindText(plan);
    const seen = sightText(source, sight);
    yield `${bytes} bytes of the disk (${place}) ${where} and not kept: ${seen}.`;
  }
}

const NOTHING_SEEN: Sight = { data: undefined, complete: false };

function behindText({ partition, report }: PartitionPlan): string {
  const holder = partition.number === 0 ? "the disk" : `partition ${partition.number}`;
  return `are behind the ${report?.kind ?? "file system"} of ${holder}`;
}

function sightText({ sectorBytes }: SectorSource, { data, complete }: Sight): string {
  if (data === undefined) return complete ? "they are zeros" : "what was looked at is zeros";
  return `data was found at ${data * sectorBytes}, --keep-gaps keeps it`;
}

/** The end of everything that is not bound to the end of the disk, plus room for a backup GPT. */
function smallestDisk(
  table: PartitionTable,
  regions: readonly Region[],
  source: SectorSource,
): ByteCount {
  const ends = [
    ...regions.filter((region) => !region.diskEnd).map((region) => region.end),
    ...table.partitions.map(({ start, sectorCount }) => start + sectorCount),
  ];
  const end = ends.reduce((most, one) => Math.max(most, one), 0);
  const sectors = table.kind === "none" ? source.sectorCount : end + table.backupSectors;
  return sectors * source.sectorBytes;
}
