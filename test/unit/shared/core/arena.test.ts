/** Goal: regions are aligned, disjoint and inside. Method: property over random sizes. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ARENA_ALIGNMENT, Arena, arenaMemory } from "../../../../shared/core/arena.ts";
import { HuckError } from "../../../../shared/core/errors.ts";

test("Arena.region() hands out aligned, disjoint regions and then says arena_full", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 100_000 }), { maxLength: 20 }), (sizes) => {
      const arena = new Arena(arenaMemory(256 * 1024));
      let end = 0;
      for (const size of sizes) {
        const left = arena.left;
        const needed = Math.ceil(size / ARENA_ALIGNMENT) * ARENA_ALIGNMENT;
        if (needed > left) {
          expect(() => arena.region(size)).toThrow(HuckError);
          continue;
        }
        const offset = arena.region(size);
        expect(offset % ARENA_ALIGNMENT).toBe(0);
        expect(offset).toBeGreaterThanOrEqual(end);
        end = offset + size;
        expect(end).toBeLessThanOrEqual(arena.bytes.byteLength);
      }
    }),
  );
});

test("arenaMemory() is shared, so that threads see the same bytes", () => {
  const memory = arenaMemory(1);
  expect(memory.buffer).toBeInstanceOf(SharedArrayBuffer);
  new Arena(memory).bytes[5] = 9;
  expect(new Arena(memory).bytes[5]).toBe(9);
});
