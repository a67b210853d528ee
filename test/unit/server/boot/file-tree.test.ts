/**
 * Goal: a path leads to a published file or to a script of the right node, and nowhere else.
 * Method: tables of good and hostile paths; random ones can only be names of the table.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { assetsOf } from "../../../../server/boot/assets.ts";
import { lookUp } from "../../../../server/boot/file-tree.ts";
import { scriptWriters } from "../../../../server/boot/scripts/script-writers.ts";
import { fileUrl, scriptUrl } from "../../../../server/boot/urls.ts";
import {
  ARM64_ASSETS,
  BOOT_ASSETS,
  IPXE_MAC,
  OVMF_MAC,
  bootTable,
} from "../../../rig/dhcp-vectors.ts";

const table = bootTable();
const idle = bootTable({}, { answer: "disk" });
const folder = "/boot/nodes/52-54-00-77-00-00";

/** What is found, in short: "file vmlinuz", "n0 enters by script.ipxe for x64", "n0 leaves". */
function found(path: string, asker?: string, at = table): string | undefined {
  const file = lookUp(at, path, asker);
  if (file === undefined) return undefined;
  if (file.kind === "asset") return `file ${file.asset.name}`;
  if (file.receiver === undefined) return `${file.node.name} leaves`;
  return `${file.node.name} enters with ${file.receiver.kernel.name}`;
}

test.each(["snponly.efi", "/snponly.efi", "boot/files/snponly.efi", "/boot/files/snponly.efi"])(
  "lookUp() finds a published file by %s, whoever asks",
  (path) => {
    expect(found(path)).toBe("file snponly.efi");
    expect(found(path, IPXE_MAC)).toBe("file snponly.efi");
  },
);

test("lookUp() finds published files in the folder of a node too", () => {
  expect(found(`${folder}/vmlinuz`)).toBe("file vmlinuz");
});

test("lookUp() finds a node's script by the MAC in the path, whoever asks", () => {
  expect(found(`${folder}/script.ipxe`)).toBe("n0 enters with vmlinuz");
  expect(found(`${folder}/script.ipxe`, OVMF_MAC)).toBe("n0 enters with vmlinuz");
  expect(found(`${folder}/script.ipxe`, undefined, idle)).toBe("n0 leaves");
  expect(found("/boot/nodes/52-54-00-99-00-00/script.ipxe", IPXE_MAC)).toBeUndefined();
});

test("lookUp() finds the script of who asks by its bare name", () => {
  expect(found("script.ipxe", OVMF_MAC)).toBe("n1 enters with vmlinuz");
  expect(found("/boot/files/script.ipxe", OVMF_MAC, idle)).toBe("n1 leaves");
  expect(found("script.ipxe")).toBeUndefined();
  expect(found("script.ipxe", "52:54:00:99:00:00")).toBeUndefined();
});

test("lookUp() leads to the receiver for the script's processor, or has no such script", () => {
  const both = { ...table, assets: assetsOf("0.1.0", [...BOOT_ASSETS, ...ARM64_ASSETS]) };
  expect(found(`${folder}/script-arm64.ipxe`, undefined, both)).toBe(
    "n0 enters with vmlinuz-arm64",
  );
  expect(found(`${folder}/script.ipxe`, undefined, both)).toBe("n0 enters with vmlinuz");
  expect(found(`${folder}/script-arm64.ipxe`)).toBeUndefined();
  expect(found(`${folder}/script-arm64.ipxe`, undefined, idle)).toBe("n0 leaves");
});

test("lookUp() keeps a script's name from a published file", () => {
  const shadow = { role: "extra", name: "script.ipxe", path: "/x", sizeBytes: 1 } as const;
  const at = { ...table, assets: assetsOf("0.1.0", [...BOOT_ASSETS, shadow]) };
  expect(found("script.ipxe", IPXE_MAC, at)).toBe("n0 enters with vmlinuz");
  expect(found("script.ipxe", undefined, at)).toBeUndefined();
});

test.each([
  "",
  "/",
  "//vmlinuz",
  "/boot/files/",
  "/boot/files/none",
  "/boot/files/../../etc/passwd",
  "/boot/files/../vmlinuz",
  "/boot/files/%2e%2e/x",
  "/boot/files/vmlinuz/",
  "/boot/files/a\\b",
  "/boot/files/vmlinuz\0",
  "/boot/files/vmlinuz\n",
  "/boot/files/vmlinuz?b",
  "/etc/passwd",
  "..\\x",
  "toString",
  "__proto__",
  "manifest.json",
  "/boot/nodes/52-54-00-77-00-0A/vmlinuz",
  "/boot/nodes/52-54-00-77-00/script.ipxe",
  "/boot/nodes/52-54-00-77-00-00/../script.ipxe",
  "http://10.77.0.1/boot/files/vmlinuz",
  `/boot/files/${"a".repeat(300)}`,
])("lookUp() knows no %j", (path) => {
  expect(found(path, IPXE_MAC)).toBeUndefined();
});

test("lookUp() gives nothing but what the table holds, for any path", () => {
  const part = fc.oneof(
    fc.constantFrom("boot", "files", "nodes", "52-54-00-77-00-00", "vmlinuz", "..", ".", "", "%2e"),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      const file = lookUp(table, parts.join("/"), IPXE_MAC);
      if (file === undefined) return;
      if (file.kind === "asset") expect(table.assets.files.get(file.asset.name)).toBe(file.asset);
      else expect(table.nodes.get(file.mac)).toBe(file.node);
    }),
  );
});

test("fileUrl() and scriptUrl() name what lookUp() finds", () => {
  const pathOf = (url: string): string => url.replace("http://10.77.0.1:8067", "");
  expect(found(pathOf(fileUrl(table.network, "vmlinuz")))).toBe("file vmlinuz");
  for (const { names } of scriptWriters) {
    const url = scriptUrl(table.network, IPXE_MAC, names.x64);
    expect(found(pathOf(url))).toBe("n0 enters with vmlinuz");
  }
});

test("no two script writers use one name", () => {
  const names = scriptWriters.flatMap((writer) => Object.values(writer.names));
  expect(new Set(names).size).toBe(names.length);
});
