/**
 * The layout of a test disk: partitions, boot code, GRUB's core image.
 *
 * A GPT disk with both a bios_grub and an EFI system partition boots on BIOS and on UEFI, so one
 * image will do for every virtual node. Numbers and UUIDs are fixed, so the same request gives the
 * same table. Every partition starts on a MiB. sfdisk writes the table, because our own table
 * readers are tested with these disks.
 */
import { ExitCode, SituationError } from "../../../shared/core/errors.ts";

/** Kind of partition table. */
export type TableKind = "mbr" | "gpt";

/** The places on a disk. */
export interface DiskLayout {
  readonly table: TableKind;
  /** Whole disk. Unit: MiB. */
  readonly sizeMib: number;
  readonly rootStartMib: number;
  readonly rootSizeMib: number;
  /** EFI system partition; GPT only. */
  readonly esp: { readonly startMib: number; readonly sizeMib: number } | undefined;
  /** Sector of GRUB's core image: in the gap after the MBR, or in bios_grub. */
  readonly coreLba: number;
  /** Sectors there for the core image. */
  readonly coreSectorsMax: number;
  /** Where GRUB on BIOS finds its configuration. */
  readonly grubPrefix: string;
}

/** Label of the root file system, and the UUID it always has. */
export const ROOT_LABEL = "testos";
/** UUID of the root file system and the seed of its directory index. */
export const ROOT_UUID = "7e570500-0000-4000-8000-0000000000ff";
/** Serial number of the FAT file system. */
export const ESP_SERIAL = "7e570500";
/** Smallest root file system that holds a system of ours. Unit: MiB. */
const ROOT_MIB_MIN = 48;
/** FAT16 at this size; GRUB needs 200 kB of it. Unit: MiB. */
const ESP_MIB = 64;
const SECTORS_PER_MIB = 2048;

/**
 * Lays out a disk.
 *
 * @param table - Kind of table.
 * @param sizeMib - Whole disk. Unit: MiB.
 * @returns The layout.
 * @throws {@link SituationError} `disk_too_small` if the root file system gets less than 48 MiB.
 */
export function layOutDisk(table: TableKind, sizeMib: number): DiskLayout {
  const gpt = table === "gpt";
  const rootStartMib = gpt ? 2 + ESP_MIB : 1;
  // The backup GPT takes the last 33 sectors.
  const rootSizeMib = sizeMib - rootStartMib - (gpt ? 1 : 0);
  if (!Number.isInteger(sizeMib) || rootSizeMib < ROOT_MIB_MIN) {
    const least = sizeMib - rootSizeMib + ROOT_MIB_MIN;
    throw new SituationError(
      "disk_too_small",
      `Cannot lay out a ${table} disk: ${sizeMib} MiB, a whole number of at least ${least} wanted`,
      { cure: "Give a larger --size.", exitCode: ExitCode.usage },
    );
  }
  return {
    table,
    sizeMib,
    rootStartMib,
    rootSizeMib,
    esp: gpt ? { startMib: 2, sizeMib: ESP_MIB } : undefined,
    coreLba: gpt ? SECTORS_PER_MIB : 1,
    coreSectorsMax: gpt ? SECTORS_PER_MIB : SECTORS_PER_MIB - 1,
    grubPrefix: `(hd0,${gpt ? "gpt3" : "msdos1"})/boot/grub`,
  };
}

/**
 * Writes the script for sfdisk.
 *
 * @param layout - The disk.
 * @returns Text for sfdisk's input.
 */
export function sfdiskScript(layout: DiskLayout): string {
  const { esp, rootStartMib, rootSizeMib } = layout;
  const place = (startMib: number, sizeMib: number): string =>
    `start=${startMib * SECTORS_PER_MIB}, size=${sizeMib * SECTORS_PER_MIB}`;
  if (esp === undefined) {
    return [
      "label: dos",
      "label-id: 0x7e570500",
      `${place(rootStartMib, rootSizeMib)}, type=83, bootable`,
      "",
    ].join("\n");
  }
  return [
    "label: gpt",
    `label-id: ${partitionUuid(0)}`,
    `${place(1, 1)}, type=${BIOS_BOOT}, uuid=${partitionUuid(1)}, name=bios`,
    `${place(esp.startMib, esp.sizeMib)}, type=U, uuid=${partitionUuid(2)}, name=esp`,
    `${place(rootStartMib, rootSizeMib)}, type=L, uuid=${partitionUuid(3)}, name=root`,
    "",
  ].join("\n");
}

function partitionUuid(index: number): string {
  return `7E570500-0000-4000-8000-00000000000${index}`;
}

/** "Hah!IdontNeedEFI": the partition type that GRUB's core image lives in. */
const BIOS_BOOT = "21686148-6449-6E6F-744E-656564454649";
