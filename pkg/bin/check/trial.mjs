// What the checks share: fresh records, news behind a cursor, and the way back. Never decides whether a promise holds.
import { openBackend } from "./backend.mjs";
import { Broken, expect, Skipped } from "./broken.mjs";
import { newId } from "./rows.mjs";

/** One run of the checks against one backend. */
export class Trial {
  #cursor = null;
  #stamp = 0;
  /** Ids that may live at the backend. */
  #made = new Set();

  constructor(plan) {
    this.plan = plan;
    this.backend = openBackend(plan);
  }

  /** Greater than any before, and not ahead of a clock that is right within five minutes. */
  stamp() {
    this.#stamp = Math.max(this.#stamp + 1, Date.now() - BEHIND_MS);
    return this.#stamp;
  }

  /** A record that the backend has not seen. */
  fresh(change = {}) {
    const stamp = this.stamp();
    const record = { ...this.plan.entity.record, id: newId(), clientCreatedAt: stamp, clientUpdatedAt: stamp, isDeleted: false, ...change };
    this.#made.add(record.id);
    return record;
  }

  fresher(count) {
    return Array.from({ length: count }, () => this.fresh());
  }

  /** A newer copy of it, with another value in a field. */
  edit(record) {
    return { ...record, ...this.edited(), clientUpdatedAt: this.stamp() };
  }

  /** The fields of an edited record. */
  edited() {
    const { record, edit } = this.plan.entity;
    if (JSON.stringify(record) === JSON.stringify(edit)) throw new Skipped("no field to edit: give `edit` in the file");
    return edit;
  }

  /** Its tombstone, without the app's fields. */
  tombstone({ id, clientCreatedAt }, clientUpdatedAt = this.stamp()) {
    return { id, clientCreatedAt, clientUpdatedAt, isDeleted: true };
  }

  /** Pushes, and wants each record applied. */
  async applied(records, key, request) {
    const { results } = await this.backend.push(records, key, request);
    for (const { id } of records) {
      const result = results.find((result) => result.id === id);
      expect(result, `a pushed record got no result`);
      expect(result.status === "applied", `a good record was answered ${told(result)}, not \`applied\``);
    }
    return results;
  }

  /** The cursor behind everything that is there now. */
  async here() {
    ({ cursor: this.#cursor } = await this.news(this.#cursor));
    return this.#cursor;
  }

  /** Everything behind a cursor, page by page, and the cursor behind that. */
  async news(cursor, limit, eachPage = async () => {}) {
    const records = [];
    const pages = [];
    for (;;) {
      const page = await this.backend.pull(cursor, limit);
      pages.push(page);
      records.push(...page.records);
      expect(!page.hasMore || page.cursor !== cursor, "there is more, but the cursor did not move");
      expect(!page.hasMore || page.count > 0, "a page without records says that there is more");
      if (pages.length > PAGES_MAX) throw new Broken(`${PAGES_MAX} pages, and still more`);
      await eachPage(page);
      cursor = page.cursor;
      if (!page.hasMore) return { records, pages, cursor };
    }
  }

  /** The one copy of a record behind a cursor; breaks when there is none, or more than one where cursors are exact. */
  async delivered(id, cursor) {
    const copies = (await this.news(cursor)).records.filter((record) => record.id === id);
    expect(copies.length > 0, "what was applied does not come with the next pull");
    expect(copies.length === 1, `one record comes ${copies.length} times`);
    return copies[0];
  }

  /** Leaves tombstones of what was made. */
  async cleanUp() {
    const ids = [...this.#made];
    for (let at = 0; at < ids.length; at += BATCH) {
      const stamp = this.stamp();
      const dead = ids.slice(at, at + BATCH).map((id) => ({ id, clientCreatedAt: stamp, clientUpdatedAt: Math.max(stamp, Date.now()), isDeleted: true }));
      await this.backend.askPush(dead).catch(() => {});
    }
  }
}

/** A result in a few words. */
export function told(result) {
  if (!result) return "with no result";
  return result.status === "rejected" ? `\`rejected\` (${result.code}${result.message ? `: ${result.message}` : ""})` : `\`${result.status}\``;
}

const BEHIND_MS = 60_000;
const BATCH = 50;
const PAGES_MAX = 10_000;
