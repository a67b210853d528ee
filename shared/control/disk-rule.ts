/**
 * Disk rules: how an order says which disk it means (promise P8).
 *
 * Rules form an ordered list. The first rule that matches exactly one disk wins. A rule that
 * matches no disk is skipped. A rule that matches several disks refuses the order, and so does a
 * list in which no rule matches. A kernel name such as /dev/sda cannot be a rule, because it
 * changes between boots (FOGProject/fogproject#778).
 */
import * as z from "zod";
import { Bytes } from "./names.ts";

/** How a disk is attached, as BlockDevice reports it. */
const DiskBus = z.enum(["ata", "nvme", "scsi", "usb", "virtio", "mmc", "file", "other"]);
/** What a receiver reports of one of its disks. Same fields as DiskIdentity of shared/disk. */
export const DiskDescription = z.object({
  path: z.string().max(255),
  sizeBytes: Bytes,
  sectorBytes: z.number().int().min(512).max(65536),
  serial: z.string().max(255),
  wwn: z.string().max(255),
  model: z.string().max(255),
  /** A kind that only a later version knows is read as "other". */
  bus: DiskBus.catch("other"),
  rotational: z.boolean(),
  removable: z.boolean(),
  inUse: z.array(z.string().max(255)).max(64),
});
export type DiskDescription = z.infer<typeof DiskDescription>;

/**
 * One rule: every condition that is present must hold. An empty rule matches every disk that may be
 * written. A condition that we do not know refuses the rule everywhere, also in an order: without
 * that condition the rule would match more disks.
 */
export const DiskRule = z.strictObject({
  /** Exact serial number. */
  serial: z.string().min(1).max(255).optional(),
  /** Exact World Wide Name. */
  wwn: z.string().min(1).max(255).optional(),
  /** Model name; `*` stands for any number of any characters. */
  model: z.string().min(1).max(255).optional(),
  bus: DiskBus.optional(),
  rotational: z.boolean().optional(),
  minBytes: Bytes.optional(),
  maxBytes: Bytes.optional(),
  /** Allows a disk that the kernel calls removable, or that is attached by USB. */
  allowRemovable: z.boolean().optional(),
});
export type DiskRule = z.infer<typeof DiskRule>;

/** The ordered list of an order or of an inventory entry. */
export const DiskRules = z.array(DiskRule).min(1).max(16);

/** The outcome of a list of rules. `rule` is the index of the rule that won. */
export type DiskChoice =
  | { readonly ok: true; readonly disk: DiskDescription; readonly rule: number }
  | {
      readonly ok: false;
      readonly code: "no_disk_matches" | "disk_ambiguous" | "disk_in_use";
      readonly reason: string;
      readonly cure: string;
    };

/** Chooses the disk that an order names, from all disks of the node. */
export function chooseDisk(
  rules: readonly DiskRule[],
  disks: readonly DiskDescription[],
): DiskChoice {
  for (const [index, rule] of rules.entries()) {
    const [first, ...others] = disks.filter((disk) => matches(rule, disk));
    if (first === undefined) continue;
    if (others.length > 0) {
      return {
        ok: false,
        code: "disk_ambiguous",
        reason:
          `rule ${index + 1} matches ${others.length + 1} disks: ` + listOf([first, ...others]),
        cure: "Name the disk by serial or wwn in the node's disk rules.",
      };
    }
    if (first.inUse.length === 0) return { ok: true, disk: first, rule: index };
    return {
      ok: false,
      code: "disk_in_use",
      reason: `${describe(first)} is in use: ${first.inUse.join(", ")}`,
      cure: "Unmount it, or boot the node into the receiver instead of the system on that disk.",
    };
  }
  return {
    ok: false,
    code: "no_disk_matches",
    reason:
      `no rule matches the node's ${disks.length === 1 ? "disk" : `${disks.length} disks`}: ` +
      listOf(disks),
    cure: "Compare the node's disk rules with the disks listed here.",
  };
}

function matches(rule: DiskRule, disk: DiskDescription): boolean {
  const detachable = disk.removable || disk.bus === "usb";
  return (
    (rule.serial === undefined || rule.serial === disk.serial) &&
    (rule.wwn === undefined || rule.wwn === disk.wwn) &&
    (rule.model === undefined || globMatches(rule.model, disk.model)) &&
    (rule.bus === undefined || rule.bus === disk.bus) &&
    (rule.rotational === undefined || rule.rotational === disk.rotational) &&
    (rule.minBytes === undefined || disk.sizeBytes >= rule.minBytes) &&
    (rule.maxBytes === undefined || disk.sizeBytes <= rule.maxBytes) &&
    (!detachable || rule.allowRemovable === true)
  );
}

/**
 * Matches `*` by looking for the pieces from left to right. This takes linear time, so that no
 * pattern can stall the receiver.
 */
function globMatches(pattern: string, text: string): boolean {
  const pieces = pattern.split("*");
  const head = pieces[0] ?? "";
  const tail = pieces.at(-1) ?? "";
  if (pieces.length === 1) return text === pattern;
  if (!text.startsWith(head) || !text.endsWith(tail)) return false;
  let position = head.length;
  const end = text.length - tail.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, position);
    if (found < 0) return false;
    position = found + piece.length;
  }
  return position <= end;
}

function describe(disk: DiskDescription): string {
  const name = disk.serial === "" ? "no serial" : `serial ${disk.serial}`;
  return `${disk.path} (${disk.bus}, ${disk.sizeBytes} bytes, ${name})`;
}

function listOf(disks: readonly DiskDescription[]): string {
  return disks.length === 0 ? "none" : disks.map(describe).join("; ");
}
