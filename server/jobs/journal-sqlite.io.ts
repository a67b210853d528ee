/**
 * The journal in the state folder: `huck.db`, SQLite in WAL mode, synced at every commit.
 *
 * Records are always read whole, so each kind has one table of JSON texts; only a field that is
 * searched for has a column of its own. Sequence numbers are reserved in blocks: progress events,
 * which are not kept, then cost no write, and still no number is given twice after a crash.
 */
import { closeSync, openSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import { Event } from "../../shared/control/event.ts";
import { Principal } from "../../shared/control/principal.ts";
import { SituationError } from "../../shared/core/errors.ts";
import { JOBS_KEPT, JobTerms } from "./journal.ts";
import type {
  Journal,
  JobRecord,
  OrderRecord,
  Remembered,
  SightRecord,
  TokenRecord,
} from "./journal.ts";
import { stateFault } from "./state-fault.ts";
import { JOURNAL_FILE, openStateFolder } from "./state-folder.io.ts";

/**
 * Opens the journal, and makes the folder and the tables if they are missing. Only one process can
 * have it open, and only its owner may read it. Nothing is written to a journal of this version, so
 * the server starts again even when the disk is full.
 *
 * @throws {@link SituationError} `journal_newer` if a later version wrote it; `journal_busy`,
 *   `journal_damaged`, `state_unwritable`.
 */
export function openJournal(folder: string): Journal {
  const file = path.join(folder, JOURNAL_FILE);
  let database: DatabaseSync | undefined;
  try {
    openStateFolder(folder);
    makePrivate(file);
    database = new DatabaseSync(file);
    return new SqliteJournal(database);
  } catch (cause) {
    database?.close();
    throw stateFault(`open the journal "${file}"`, cause);
  }
}

/**
 * Makes an empty file for its owner only, which to SQLite is a new journal: SQLite itself makes one
 * that all may read. The files that it makes beside it have the mode of this one.
 */
function makePrivate(file: string): void {
  try {
    closeSync(openSync(file, "wx", 0o600));
  } catch {
    // It is there, or SQLite meets the same fault and tells it.
  }
}

class SqliteJournal implements Journal {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #seq: number;
  #ceiling = 0;

  constructor(database: DatabaseSync) {
    this.#database = database;
    database.exec(SETTINGS);
    const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
    if (version > VERSION) throw journalNewer(version);
    if (version < VERSION) this.#bringUp(version);
    this.#ceiling = Number(
      this.#run("SELECT value FROM counter WHERE name='seq'").get()?.["value"],
    );
    this.#seq = this.#ceiling;
  }

  remembered(): Remembered {
    return {
      jobs: this.#rows<JobRecord>("SELECT json FROM job ORDER BY created").map(broughtUp),
      orders: this.#rows<OrderRecord>("SELECT json FROM orders ORDER BY rowid"),
      tokens: this.#rows<TokenRecord>("SELECT json FROM token"),
      sights: this.#rows<SightRecord>("SELECT json FROM sight"),
    };
  }

  putJob(job: JobRecord): void {
    this.together(() => {
      this.#run(
        `INSERT INTO job(id, created, json) VALUES(?,?,?)
         ON CONFLICT(id) DO UPDATE SET json=excluded.json`,
      ).run(job.id, job.createdAt, JSON.stringify(job));
      if (job.state === "running") this.#forgetOld();
    });
  }

  putOrder(order: OrderRecord): void {
    this.#run(
      `INSERT INTO orders(id, job, json) VALUES(?,?,?)
       ON CONFLICT(id) DO UPDATE SET json=excluded.json`,
    ).run(order.id, order.job, JSON.stringify(order));
  }

  putToken(token: TokenRecord): void {
    this.#run("INSERT OR REPLACE INTO token(digest, json) VALUES(?,?)").run(
      token.digest,
      JSON.stringify(token),
    );
  }

  dropToken(digest: string): void {
    this.#run("DELETE FROM token WHERE digest=?").run(digest);
  }

  putSight(sight: SightRecord): void {
    this.#run("INSERT OR REPLACE INTO sight(node, json) VALUES(?,?)").run(
      sight.node,
      JSON.stringify(sight),
    );
  }

  putEvent(event: Event): void {
    this.#run("INSERT INTO event(seq, job, json) VALUES(?,?,?)").run(
      event.seq,
      event.job ?? "",
      JSON.stringify(event),
    );
  }

  nextSeq(): number {
    if (this.#seq >= this.#ceiling) {
      const ceiling = this.#seq + SEQ_BLOCK;
      this.#run("UPDATE counter SET value=? WHERE name='seq'").run(ceiling);
      this.#ceiling = ceiling;
    }
    this.#seq += 1;
    return this.#seq;
  }

  eventsAfter(job: string, seq: number, limit: number): readonly Event[] {
    const rows = this.#run("SELECT json FROM event WHERE job=? AND seq>? ORDER BY seq LIMIT ?").all(
      job,
      seq,
      limit,
    );
    return rows.map((row) => Event.parse(JSON.parse(String(row["json"]))));
  }

  together(writes: () => void): void {
    if (this.#isOpenTransaction()) {
      writes();
      return;
    }
    const ceiling = this.#ceiling;
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      writes();
      this.#database.exec("COMMIT");
    } catch (thrown) {
      this.#ceiling = ceiling; // a block reserved inside this transaction was rolled back with it
      // SQLite itself rolls back when the disk is full; a second ROLLBACK would hide the reason.
      if (this.#isOpenTransaction()) this.#database.exec("ROLLBACK");
      throw thrown;
    }
  }

  close(): void {
    if (!this.#database.isOpen) return;
    this.#statements.clear();
    this.#database.close();
  }

  /** Makes the tables, or converts those of an older version. */
  #bringUp(version: number): void {
    this.together(() => {
      this.#database.exec(TABLES);
      if (version === 1) this.#database.exec(FROM_VERSION_1);
      this.#database.exec(`PRAGMA user_version = ${VERSION}`);
    });
  }

  #isOpenTransaction(): boolean {
    return this.#database.isTransaction;
  }

  /** Called for a new job only, so that a client that follows a job can still read how it ended. */
  #forgetOld(): void {
    for (const [table, column] of OF_JOB) {
      this.#run(`DELETE FROM ${table} WHERE ${column} IN (${OLD_JOBS})`).run(JOBS_KEPT);
    }
  }

  /** Not parsed: we wrote the records, and the file is as private as the order key beside it. */
  #rows<T>(sql: string): T[] {
    return this.#run(sql)
      .all()
      .map((row) => JSON.parse(String(row["json"])) as T);
  }

  #run(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const made = this.#database.prepare(sql);
    this.#statements.set(sql, made);
    return made;
  }
}

/** Gives a job that an older version wrote with fewer fields the defaults of the missing ones. */
function broughtUp(job: JobRecord): JobRecord {
  const principal = Principal.parse(job.principal);
  return { ...job, terms: JobTerms.parse(job.terms), principal };
}

function journalNewer(version: number): SituationError {
  return new SituationError(
    "journal_newer",
    `Cannot open the journal: version ${version}, at most ${VERSION} wanted`,
    { cure: "Start the newer huck that wrote it, or name another server.state in huck.yaml." },
  );
}

/**
 * The lock is held as long as the journal is open, so that no second server signs orders from the
 * same records. It also spares SQLite the file of shared memory, for which a full disk has no room.
 */
const SETTINGS = `
  PRAGMA busy_timeout=2000; PRAGMA locking_mode=EXCLUSIVE;
  PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
`;
/**
 * Raised when a table changes its meaning. A journal of a higher version is refused; one of a lower
 * version is converted when it is opened.
 */
const VERSION = 2;
/** One durable write reserves so many sequence numbers. */
const SEQ_BLOCK = 1000;
/** Tables with the column that holds the job's id. The job is deleted last: the others need it. */
const OF_JOB = [
  ["event", "job"],
  ["orders", "job"],
  ["job", "id"],
] as const;
/**
 * All jobs but the newest so many, without those that have not ended. An aborted job has not ended
 * while one of its orders is open.
 */
const OLD_JOBS = `
  SELECT id FROM (SELECT id, json FROM job ORDER BY created DESC LIMIT -1 OFFSET ?) AS old
  WHERE json_extract(old.json, '$.state') <> 'running' AND NOT EXISTS (
    SELECT 1 FROM orders
    WHERE orders.job = old.id AND json_extract(orders.json, '$.verdict') IS NULL)
`;
const TABLES = `
  CREATE TABLE IF NOT EXISTS job(id TEXT PRIMARY KEY, created INTEGER NOT NULL, json TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS job_created ON job(created);
  CREATE TABLE IF NOT EXISTS orders(id TEXT PRIMARY KEY, job TEXT NOT NULL, json TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS orders_job ON orders(job);
  CREATE TABLE IF NOT EXISTS token(digest TEXT PRIMARY KEY, json TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS sight(node TEXT PRIMARY KEY, json TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS event(seq INTEGER PRIMARY KEY, job TEXT NOT NULL, json TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS event_job ON event(job, seq);
  CREATE TABLE IF NOT EXISTS counter(name TEXT PRIMARY KEY, value INTEGER NOT NULL);
  INSERT OR IGNORE INTO counter(name, value) VALUES('seq', 0);
`;
/** Version 1 did not store the state of an order: here it is derived from the other fields. */
const FROM_VERSION_1 = `
  UPDATE orders SET json = json_set(json, '$.state', CASE
    WHEN json_extract(json, '$.verdict') IS NOT NULL THEN 'done'
    WHEN EXISTS (SELECT 1 FROM job WHERE job.id = orders.job
      AND json_extract(job.json, '$.state') = 'aborted') THEN 'stopping'
    WHEN json_extract(json, '$.phase') = 'booting' THEN 'booting'
    WHEN json_extract(json, '$.nonce') IS NULL THEN 'waiting'
    WHEN json_extract(json, '$.phase') = 'waiting' THEN 'silent'
    WHEN json_extract(json, '$.armedBy') = json_extract(json, '$.nonce') THEN 'armed'
    WHEN json_extract(json, '$.captured') IS NOT NULL THEN 'captured'
    ELSE 'joined' END)
  WHERE json_extract(json, '$.state') IS NULL
`;
