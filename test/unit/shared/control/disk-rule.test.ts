/**
 * Goal: no disk is chosen that the rules do not name alone. Method: cases of safety section 5, and
 * a property.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type DiskDescription,
  DiskRule,
  chooseDisk,
} from "../../../../shared/control/disk-rule.ts";

function disk(changes: Partial<DiskDescription>): DiskDescription {
  return {
    path: "/dev/sda",
    sizeBytes: 500_000_000_000,
    sectorBytes: 512,
    serial: "S1",
    wwn: "",
    model: "ACME SSD 500",
    bus: "ata",
    rotational: false,
    removable: false,
    inUse: [],
    ...changes,
  };
}

test("chooseDisk() takes the first rule that matches exactly one disk", () => {
  const disks = [disk({}), disk({ path: "/dev/sdb", serial: "S2", rotational: true })];
  const choice = chooseDisk([{ serial: "nope" }, { rotational: true }, { serial: "S1" }], disks);
  expect(choice).toMatchObject({ ok: true, rule: 1, disk: { path: "/dev/sdb" } });
});

test("P8: chooseDisk() refuses when a rule matches two disks, a later one only one", () => {
  const disks = [disk({}), disk({ path: "/dev/sdb", serial: "S2" })];
  const choice = chooseDisk([{ bus: "ata" }, { serial: "S1" }], disks);
  expect(choice).toMatchObject({ ok: false, code: "disk_ambiguous" });
});

test("chooseDisk() says which disks there are when none matches", () => {
  const choice = chooseDisk([{ serial: "X" }], [disk({})]);
  expect(choice).toMatchObject({ ok: false, code: "no_disk_matches" });
  expect(!choice.ok && choice.reason).toContain("serial S1");
});

test("P8: chooseDisk() refuses a disk in use instead of passing on to another", () => {
  const disks = [disk({ inUse: ["mounted on /"] }), disk({ path: "/dev/sdb", serial: "S2" })];
  const choice = chooseDisk([{ serial: "S1" }, { serial: "S2" }], disks);
  expect(choice).toMatchObject({ ok: false, code: "disk_in_use" });
});

test("P8: chooseDisk() never sees removable or USB media unless the rule allows them", () => {
  const sticks = [disk({ removable: true }), disk({ bus: "usb", serial: "S2" })];
  expect(chooseDisk([{}], sticks)).toMatchObject({ code: "no_disk_matches" });
  expect(chooseDisk([{ serial: "S2", allowRemovable: true }], sticks)).toMatchObject({ ok: true });
});

test("chooseDisk() compares sizes and models", () => {
  const disks = [disk({}), disk({ path: "/dev/sdb", serial: "S2", sizeBytes: 1e12, model: "BIG" })];
  expect(chooseDisk([{ minBytes: 6e11 }], disks)).toMatchObject({ disk: { serial: "S2" } });
  expect(chooseDisk([{ maxBytes: 6e11 }], disks)).toMatchObject({ disk: { serial: "S1" } });
  expect(chooseDisk([{ model: "ACME*500" }], disks)).toMatchObject({ disk: { serial: "S1" } });
  expect(chooseDisk([{ model: "ACME*SSD*SSD*500" }], disks)).toMatchObject({ ok: false });
});

test("model globs agree with the regular expression they stand for", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "*"), minLength: 1, maxLength: 8 });
  const model = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 10 });
  fc.assert(
    fc.property(letters, model, (pattern, name) => {
      const wanted = new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(name);
      expect(chooseDisk([{ model: pattern }], [disk({ model: name })]).ok).toBe(wanted);
    }),
  );
});

test("DiskRule refuses conditions it does not know: no restriction may be dropped", () => {
  expect(DiskRule.safeParse({ serial: "S1", path: "/dev/sda" }).success).toBe(false);
});
