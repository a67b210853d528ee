/**
 * Goal: the layout fails by name when an input no longer fits it.
 * Method: whole builds on made-up trees with one thing wrong; what a right layout holds is in
 * boot-files.test.ts.
 */
import { expect, test } from "vitest";
import { openDeb } from "../../../initramfs/deb.ts";
import { layOut } from "../../../initramfs/fixed.ts";
import type { FixedInputs } from "../../../initramfs/fixed.ts";
import { makeDeb, makeIcu, makeModule, makeProgram, makeVmlinuz } from "./fixtures.ts";

const folder = "lib/x86_64-linux-gnu";
const loader = "ld-linux-x86-64.so.2";

function inputs(needed: string, change: Partial<FixedInputs["debian"]> = {}): FixedInputs {
  const libraries = [loader, "libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0"];
  const program = makeProgram([]);
  const open = (paths: readonly string[]): ReturnType<typeof openDeb> =>
    openDeb(makeDeb(paths.map((path) => ({ path, bytes: program }))), "test 1");
  return {
    debian: {
      kernel: openDeb(
        makeDeb([
          { path: "boot/vmlinuz-6.12-test", bytes: makeVmlinuz(Buffer.from("kernel")) },
          { path: "lib/modules/igb.ko", bytes: makeModule(["name=igb"]) },
        ]),
        "kernel 1",
      ),
      libc: open([...libraries, "librt.so.1"].map((name) => `${folder}/${name}`)),
      libgcc: open([`${folder}/libgcc_s.so.1`]),
      "libstdc++": open([`usr/${folder}/libstdc++.so.6`]),
      ipxe: open(
        ["undionly.kpxe", "snponly.efi", "ipxe.efi"].map((name) => `usr/lib/ipxe/${name}`),
      ),
      ...change,
    },
    npm: {
      nodejs: makeProgram([needed], makeIcu(["x/de.res", "x/zz.res"])),
      koffi: program,
      "blake-hash": program,
    },
    moduleList: "always igb",
  };
}

test("layOut() names the console, programs, links and modules", () => {
  const part = layOut(inputs("libc.so.6"));
  const paths = part.entries.map(({ path }) => path);
  for (const path of ["dev/console", "bin/node", `lib64/${loader}`, "app/koffi.node"]) {
    expect(paths).toContain(path);
  }
  expect(paths).toContain("node_modules/@napi-rs/blake-hash/index.node");
  expect(part.modules).toEqual(["igb"]);
  expect(part.kernelRelease).toBe("6.12-test");
});

test("layOut() refuses a Node.js that asks for a library which is not there", () => {
  expect(() => layOut(inputs("libnew.so.1"))).toThrow(/library "libnew.so.1" is asked for/);
});

test("layOut() refuses packages that are laid out anew", () => {
  const empty = openDeb(makeDeb([]), "moved 2");
  for (const role of ["kernel", "libc", "ipxe"] as const) {
    expect(() => layOut(inputs("libc.so.6", { [role]: empty })), role).toThrow(/package moved 2/);
  }
});
