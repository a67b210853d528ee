/**
 * Goal: an update pins what three suites of a mirror offer, by the chain of digests.
 * Method: a made-up mirror on loopback, whole and with one link of the chain broken.
 */
import { spawnSync } from "node:child_process";
import { gzipSync } from "node:zlib";
import { beforeEach, expect, test } from "vitest";
import { sha256Of } from "../../../initramfs/mirror.ts";
import { resolveDebian } from "../../../initramfs/resolve.ts";
import { startMirror } from "./loopback-mirror.ts";
import { testFolder } from "../../rig/folder.ts";

const digest = "ab".repeat(32);
const image = "linux-image-6.12.95+deb12-amd64";

function paragraph(name: string, depends: string): string {
  const place = `Filename: pool/${name}.deb\nSize: 5\nSHA256: ${digest}\nDepends: ${depends}`;
  return `Package: ${name}\nVersion: 1-1\n${place}\n\n`;
}

/** Path on the mirror -> content; xz for one suite, gzip for the others. */
function wholeMirror(): Map<string, Uint8Array> {
  const suites: Readonly<Record<string, string>> = {
    "bookworm-backports":
      paragraph("linux-image-amd64", `${image} (= 1-1)`) + paragraph(image, "kmod"),
    bookworm: ["libc6", "libstdc++6", "libgcc-s1"].map((name) => paragraph(name, "")).join(""),
    trixie: paragraph("ipxe", ""),
  };
  const files = new Map<string, Uint8Array>();
  for (const [suite, packages] of Object.entries(suites)) {
    const xz = suite === "trixie";
    const index = `main/binary-amd64/Packages.${xz ? "xz" : "gz"}`;
    const bytes = xz ? spawnSync("xz", ["-c"], { input: packages }).stdout : gzipSync(packages);
    files.set(`dists/${suite}/${index}`, bytes);
    const release = `SHA256:\n ${sha256Of(bytes)} ${bytes.length} ${index}\n`;
    files.set(`dists/${suite}/InRelease`, Buffer.from(`Hash: SHA256\n\n${release}`));
  }
  return files;
}

let cache: string;
beforeEach(() => {
  cache = testFolder();
});

async function resolveFrom(files: ReadonlyMap<string, Uint8Array>): Promise<string[]> {
  const mirror = await startMirror(files);
  try {
    const inputs = await resolveDebian({ mirrors: [mirror.base], cache, keyring: undefined });
    return inputs.map(({ role, suite, package: name }) => `${role} ${suite} ${name}`);
  } finally {
    await mirror.close();
  }
}

test("resolveDebian() pins one package for each role", async () => {
  expect(await resolveFrom(wholeMirror())).toEqual([
    `kernel bookworm-backports ${image}`,
    "libc bookworm libc6",
    "libstdc++ bookworm libstdc++6",
    "libgcc bookworm libgcc-s1",
    "ipxe trixie ipxe",
  ]);
});

test("resolveDebian() refuses an index whose digest Release does not vouch for", async () => {
  const files = wholeMirror();
  files.set("dists/bookworm/main/binary-amd64/Packages.gz", gzipSync("Package: evil\n"));
  await expect(resolveFrom(files)).rejects.toMatchObject({ code: "digest" });
});

test("resolveDebian() refuses a suite without index, and a mirror without the suite", async () => {
  const files = wholeMirror();
  files.set("dists/trixie/InRelease", Buffer.from("\n\nSHA256:\n"));
  await expect(resolveFrom(files)).rejects.toMatchObject({ code: "no_index" });
  files.delete("dists/trixie/InRelease");
  await expect(resolveFrom(files)).rejects.toMatchObject({ code: "left_the_mirror" });
});
