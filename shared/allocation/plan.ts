/**
 * The plan of a capture: which sectors of a disk are kept, and why, partition by partition.
 *
 * Partition maps, table sectors and gaps become one map of the whole disk before a byte is copied,
 * so a refusal comes first and costs nothing. A dirty file system is refused unless the operator
 * asks for every sector. One that we cannot read is kept whole, and the image records the reason.
 */
import { cutRegions, lostInGaps, type PartitionUse, type Region } from "./regions.ts";
import { toHex } from "../core/digest.ts";
import { SituationError } from "../core/errors.ts";
import { normalRanges, type Range, totalOfRanges } from "../core/ranges.ts";
import type { ByteCount } from "../core/units.ts";
import { decodeGateRecord } from "../disk/gate-record.ts";
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
  readonly report?: Omit<FsReport, "used">;
  /** Bytes kept. */
  readonly usedBytes: ByteCount;
}

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
}

/**
 * Plans the capture of a disk.
 *
 * @param source - The whole disk; only read here, and nobody may write it meanwhile.
 * @throws {@link SituationError} `filesystem_dirty`, `disk_incomplete`; FormatError for a partition
 *   table that cannot be trusted.
 */
export function planDisk(source: SectorSource, options: PlanOptions): DiskPlan {
  const table = readPartitionTable(source);
  const { sectorBytes, sectorCount } = source;
  const partitions: PartitionPlan[] = [];
  const uses: PartitionUse[] = [];
  const warnings = [...table.warnings];
  for (const partition of table.kind === "none" ? [wholeDisk(source)] : table.partitions) {
    if (partition.container) {
      partitions.push({ partition, mode: "skip", why: "it only holds logical ones", usedBytes: 0 });
      continue;
    }
    const { plan, used } = planPartition(source, partition, options.rawIfDirty);
    partitions.push(plan);
    uses.push({ partition, used });
    if (plan.report !== undefined) warnings.push(...warningsOf(plan, plan.report));
  }
  warnings.push(...gapWarnings(table, uses, source));
  const regions = cutRegions(table, uses, source);
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

function planPartition(
  source: SectorSource,
  partition: Partition,
  rawIfDirty: boolean,
): { readonly plan: PartitionPlan; readonly used: readonly Range[] } {
  const view = partitionSource(source, partition.start, partition.sectorCount);
  const { used: relative, ...report } = reportOf(view, partition, rawIfDirty);
  if (report.state === "dirty" && !rawIfDirty) throw dirtyError(partition, report);
  const used = relative.map(({ start, end }) => ({
    start: start + partition.start,
    end: end + partition.start,
  }));
  const usedBytes = totalOfRanges(used) * source.sectorBytes;
  const raw = report.rawBecause;
  const boot = partition.type === BIOS_BOOT_TYPE;
  const why = boot
    ? "it holds boot code (BIOS boot partition)"
    : (raw ?? `its ${report.kind} map is true`);
  const mode = raw === undefined ? "allocated" : "raw";
  return { plan: { partition, mode, why, report, usedBytes }, used };
}

/**
 * A disk, or partition, whose load did not finish holds no file system, whatever part of one is
 * there.
 *
 * @throws {@link SituationError} `disk_incomplete`.
 */
function reportOf(view: SectorSource, partition: Partition, rawIfDirty: boolean): FsReport {
  const record = decodeGateRecord(readBytes(view, 0, view.sectorBytes));
  if (record === undefined) return readFileSystem(view);
  const image = toHex(record.imageId).slice(0, ID_DIGITS);
  const found = `a load of image ${image} onto it did not finish (order "${record.orderId}")`;
  if (rawIfDirty) return keptRaw(view, found);
  const name = partition.number === 0 ? "disk" : `partition ${partition.number}`;
  throw new SituationError("disk_incomplete", `Cannot save ${name}: ${found}`, {
    cure: "Load the image again and save then, or keep all sectors as they are with --raw-if-dirty",
  });
}

function dirtyError(partition: Partition, report: Omit<FsReport, "used">): SituationError {
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

function* warningsOf(plan: PartitionPlan, report: Omit<FsReport, "used">): Generator<string> {
  const name = plan.partition.number === 0 ? "The disk" : `Partition ${plan.partition.number}`;
  for (const warning of report.warnings) yield `${name}: ${warning}`;
  if (plan.mode === "raw") yield `${name} is kept whole: ${plan.why}.`;
}

function* gapWarnings(
  table: PartitionTable,
  uses: readonly PartitionUse[],
  source: SectorSource,
): Generator<string> {
  const { sectorBytes } = source;
  for (const { start, end } of lostInGaps(table, uses, source)) {
    const lost = (end - start) * sectorBytes;
    const place = `${start * sectorBytes} to ${end * sectorBytes}`;
    yield `${lost} bytes of the disk (${place}) are outside every partition and not kept.`;
  }
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
