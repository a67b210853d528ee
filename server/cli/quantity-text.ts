/**
 * Quantities as all verbs print them: sizes, rates, times and counts.
 *
 * Sizes are decimal (1 MB = 10^6 bytes), as disks are sold and networks are measured. A text that
 * means binary units (a slot of 1 MiB) says "MiB" itself.
 */

const SIZE_UNITS = ["bytes", "kB", "MB", "GB", "TB", "PB"];

/**
 * Writes a size with three significant digits and a decimal unit: "4.72 GB". Below 1000 bytes it
 * gives the count itself.
 */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return countText(bytes, "byte");
  let unit = Math.min(SIZE_UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  // 999.95 kB has three digits before the point and rounds to 1000 kB, so it becomes 1.00 MB
  if (bytes / 1000 ** unit >= 999.5 && unit < SIZE_UNITS.length - 1) unit += 1;
  const value = bytes / 1000 ** unit;
  return `${value < 999.5 ? value.toPrecision(3) : Math.round(value)} ${SIZE_UNITS[unit] ?? ""}`;
}

/** Writes bytes per second: "310 MB/s". */
export function rateText(bytesPerSecond: number): string {
  return `${sizeText(Math.round(bytesPerSecond))}/s`;
}

/** Writes a duration in seconds with one decimal: "4.7 s". */
export function secondsText(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/**
 * Writes how long something took and how fast it went: "34.2 s, 138 MB/s".
 *
 * @param bytes - Undefined if it is not known; then only the time is written.
 */
export function speedText(bytes: number | undefined, ms: number): string {
  const rate = bytes === undefined || ms <= 0 ? "" : `, ${rateText((bytes * 1000) / ms)}`;
  return `${secondsText(ms)}${rate}`;
}

/** Writes a count with its noun: "1 node", "2 nodes". The plural must be formed with "s". */
export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
