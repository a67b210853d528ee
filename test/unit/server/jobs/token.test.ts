/**
 * Goal: a token is good for one boot of one node and for no longer than it must. Method: made-up
 * time, real journal.
 */
import path from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { openJournal } from "../../../../server/jobs/journal-sqlite.io.ts";
import type { Journal, TokenRecord } from "../../../../server/jobs/journal.ts";
import { JOIN_WITHIN_MS, TokenBook } from "../../../../server/jobs/token.ts";
import { dropFolders, freshFolder } from "../../../rig/lab-kit.ts";

const mac = "52:54:00:00:00:01";
let journal: Journal;
let book: TokenBook;
beforeEach(() => {
  journal = openJournal(path.join(freshFolder(), "state"));
  book = new TokenBook(journal, []);
});
afterAll(dropFolders);

function join(token: string, nonce: string, now: number, macs = [mac]): string {
  const record = book.join({ token, nonce, macs }, now);
  if (typeof record === "string") return record;
  book.joined(record, nonce, now + 1000);
  return "joined";
}

test("TokenBook.join() takes a token once, again for the same boot, and for no other", () => {
  book.mint("t1", "fit01", mac, 0);
  expect(join("t1", "n1", 1)).toBe("joined");
  expect(join("t1", "n1", 2)).toBe("joined");
  expect(join("t1", "n2", 3)).toBe("spent");
});

test("TokenBook.join() refuses unknown tokens, other MACs and tokens that are too old", () => {
  book.mint("t1", "fit01", mac, 0);
  expect(join("t2", "n1", 1)).toBe("unknown");
  expect(join("t1", "n1", 1, ["52:54:00:00:00:02"])).toBe("other MAC");
  expect(join("t1", "n1", JOIN_WITHIN_MS + 1)).toBe("expired");
});

test(
  "TokenBook.speaks() accepts a joined token until its time, and ends it " +
    "when the node boots anew",
  () => {
    book.mint("t1", "fit01", mac, 0);
    expect(book.speaks("t1", 1)).toBe("unknown");
    join("t1", "n1", 1);
    expect(book.speaks("t1", 1000)).toMatchObject({ node: "fit01" });
    expect(book.speaks("t1", 1002)).toBe("expired");
    book.mint("t2", "fit01", mac, 10);
    expect(book.speaks("t1", 11)).toMatchObject({ node: "fit01" });
    join("t2", "n2", 12);
    expect(book.speaks("t1", 13)).toBe("unknown");
  },
);

test("TokenBook.join() of a newer boot ends older tokens, so that a late join is refused", () => {
  book.mint("old boot", "fit01", mac, 0);
  book.mint("new boot", "fit01", mac, 10);
  book.mint("newest script", "fit01", mac, 20);
  book.mint("other node", "fit02", mac, 0);
  expect(join("new boot", "n2", 30)).toBe("joined");
  expect(join("old boot", "n1", 31)).toBe("unknown");
  expect(book.speaks("new boot", 32)).toMatchObject({ node: "fit01" });
  expect(join("newest script", "n3", 33)).toBe("joined");
  expect(join("other node", "n4", 34)).toBe("joined");
});

test("TokenBook keeps digests only, few per node, and forgets what is over", () => {
  for (let index = 0; index < 50; index += 1) book.mint(`t${index}`, "fit01", mac, index);
  const kept = (): readonly TokenRecord[] => journal.remembered().tokens;
  expect(kept()).toHaveLength(8);
  expect(kept().some(({ digest }) => digest.startsWith("t"))).toBe(false);
  expect(join("t49", "n", 60)).toBe("joined");
  expect(join("t0", "n", 60)).toBe("unknown");
  book.sweep(JOIN_WITHIN_MS * 2);
  expect(kept()).toEqual([]);
});

test("TokenBook goes on after a restart", () => {
  book.mint("t1", "fit01", mac, 0);
  join("t1", "n1", 1);
  book = new TokenBook(journal, journal.remembered().tokens);
  expect(book.speaks("t1", 500)).toMatchObject({ node: "fit01" });
});
