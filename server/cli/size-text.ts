/** Sizes as every verb prints them. */

/**
 * Writes a byte count for people.
 *
 * @param bytes - 0 or more.
 * @returns Three significant digits and a unit: "512 MiB".
 */
export function sizeText(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : Number(value.toPrecision(3))} ${units[unit] ?? ""}`;
}
