/**
 * Branded numbers: quantities that share the type `number` but must not be mixed.
 *
 * A brand exists only for the type checker; at run time it is a plain number. Only quantities that
 * occur together in one signature are branded: a sector number with a byte count, a chunk index
 * with a slot, a time.
 */

declare const unit: unique symbol;

/** A number that carries the name of its unit. */
type Branded<Name extends string> = number & { readonly [unit]?: Name };

/**
 * Logical block address: number of a sector on its disk, from 0. Unit: logical sectors (UEFI 2.10
 * 5.3).
 */
export type Lba = Branded<"Lba">;
/** A length or offset in bytes, 0 .. 2^53-1. */
export type ByteCount = Branded<"ByteCount">;
/** Position of a chunk in its image's chunk table, 0 .. 2^24-1. */
export type ChunkIndex = Branded<"ChunkIndex">;
/** A time on a monotonic clock with an arbitrary origin. Unit: milliseconds, fractions allowed. */
export type Millis = Branded<"Millis">;

/**
 * The unit in which the image format counts extents, whatever the disk's sector size. Unit: bytes.
 */
export const EXTENT_UNIT_BYTES = 512;
/**
 * Length of a slot: the aligned piece of disk that one chunk covers, unless it is almost empty.
 * Unit: bytes.
 */
export const SLOT_BYTES = 1 << 20;
/**
 * Largest byte count that a number holds exactly; every 64-bit field is checked against it when it
 * becomes a number.
 */
export const BYTES_MAX: number = Number.MAX_SAFE_INTEGER;
