/** Golden vectors of the image format: test/vectors/image/format.txt, "name: hex" lines. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const PATH = join(import.meta.dirname, "../vectors/image/format.txt");

/**
 * Reads one golden vector.
 *
 * @throws Error if there is none of that name.
 */
export function imageVector(name: string): string {
  const lines = readFileSync(PATH, "utf8").split("\n");
  const line = lines.find((one) => one.startsWith(`${name}: `));
  if (line === undefined) throw new Error(`no vector "${name}" in ${PATH}`);
  return line.slice(name.length + 2);
}
