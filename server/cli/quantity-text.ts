/**
 * Quantities as every verb prints them: sizes, times and counts.
 *
 * Sizes are decimal (1 MB = 10^6 bytes), because disks are sold and networks are measured so; a
 * text that means binary units (a slot of 1 MiB) says "MiB" itself.
 */

const SIZE_UNITS = ["bytes", "kB", "MB", "GB", "TB", "PB"];

/**
 * Writes a byte count for people.
 *
 * @param bytes - 0 or more.
 * @returns Three significant digits and a decimal unit: "4.72 GB"; below 1000 the count itself.
 */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return countText(bytes, "byte");
  let unit = Math.min(SIZE_UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  // 999.95 kB has four digits before it is rounded, and is 1.00 MB after
  if (bytes / 1000 ** unit >= 999.5 && unit < SIZE_UNITS.length - 1) unit += 1;
  const value = bytes / 1000 ** unit;
  return `${value < 999.5 ? value.toPrecision(3) : Math.round(value)} ${SIZE_UNITS[unit] ?? ""}`;
}

/**
 * Writes a duration for people.
 *
 * @param ms - Milliseconds, 0 or more.
 * @returns Seconds with one decimal: "4.7 s".
 */
export function secondsText(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/**
 * Writes a count with its noun.
 *
 * @param count - 0 or more.
 * @param noun - In the singular; its plural takes an "s".
 * @returns "1 node", "2 nodes".
 */
export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
