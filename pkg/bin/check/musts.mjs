// The promises that data depends on: without one of these an edit can be lost, doubled or never seen.
import { expect, Skipped } from "./broken.mjs";
import { described } from "./backend.mjs";
import { told } from "./trial.mjs";

/** In the order in which they are asked. Each starts with records of its own. */
export const MUSTS = [
  {
    id: "pull", title: "a pull answers a page of records and a cursor",
    async run(t) {
      const { records } = await t.backend.pull(null, 2);
      expect(records.length <= 2 || t.plan.byTime, `a page of 2 was asked for, and ${records.length} records came`);
    },
  },
  {
    id: "token", title: "a request without a valid token is answered 401", needs: ["pull"],
    async run(t) {
      if (!t.plan.token) throw new Skipped("no --token");
      for (const token of ["", "not-a-token"]) {
        const asked = token ? "with a wrong token" : "without a token";
        const pulled = await t.backend.askPage(null, 1, { token });
        expect(pulled.status === 401, `a pull ${asked} was answered ${described(pulled)}`);
        const pushed = await t.backend.askPush([t.fresh()], undefined, { token });
        expect(pushed.status === 401, `a push ${asked} was answered ${described(pushed)}`);
      }
    },
  },
  {
    id: "create", title: "a new record is applied, and comes with the next pull as it was sent", needs: ["pull"],
    async run(t) {
      const cursor = await t.here();
      const record = t.fresh();
      await t.applied([record]);
      const held = await t.delivered(record.id, cursor);
      expect(held.isDeleted === false, "it comes as deleted");
      same(t.plan.entity.record, held);
    },
  },
  {
    id: "stamps", title: "times of the client come back as they were sent",
    async run(t) {
      const cursor = await t.here();
      const record = t.fresh({ clientCreatedAt: t.stamp() - 123_457 });
      await t.applied([record]);
      const held = await t.delivered(record.id, cursor);
      for (const field of ["clientCreatedAt", "clientUpdatedAt"]) {
        expect(held[field] === record[field], `${field} was sent as ${record[field]} and came back as ${held[field]}`);
      }
    },
  },
  {
    id: "update", title: "a newer copy replaces the one before",
    async run(t) {
      const record = t.fresh();
      await t.applied([record]);
      const cursor = await t.here();
      await t.applied([t.edit(record)]);
      same(t.edited(), await t.delivered(record.id, cursor));
    },
  },
  {
    id: "delete", title: "a tombstone is applied and comes with the next pull",
    async run(t) {
      const record = t.fresh();
      await t.applied([record]);
      const cursor = await t.here();
      await t.applied([t.tombstone(record)]);
      expect((await t.delivered(record.id, cursor)).isDeleted, "it comes as a live record");
    },
  },
  {
    id: "results", title: "each record of a batch has exactly one result",
    async run(t) {
      const records = t.fresher(5);
      const { results } = await t.backend.push(records);
      expect(results.length === 5, `5 records were sent, and ${results.length} results came`);
      for (const { id } of records) expect(results.filter((result) => result.id === id).length === 1, "an id has no result, or more than one");
    },
  },
  {
    id: "harm", title: "a bad record is rejected with its reason, and harms no other",
    async run(t) {
      const { record, invalid } = t.plan.entity;
      if (!invalid) throw new Skipped("give `invalid` in the file: fields that must be refused");
      const [first, bad, last] = [t.fresh(), t.fresh({ ...Object.fromEntries(Object.keys(record).map((name) => [name, undefined])), ...invalid }), t.fresh()];
      const { results } = await t.backend.push([first, bad, last]);
      const of = ({ id }) => results.find((result) => result.id === id);
      for (const good of [first, last]) expect(of(good)?.status === "applied", `beside a bad record, a good one was answered ${told(of(good))}`);
      expect(of(bad)?.status === "rejected", `the bad record was answered ${told(of(bad))}`);
      expect(typeof of(bad).code === "string", "the rejected record has no code");
    },
  },
  {
    id: "repeat", title: "a body sent again with its key gets the same answer, and undoes nothing",
    async run(t) {
      const record = t.fresh();
      const key = crypto.randomUUID();
      const first = await t.applied([record], key);
      await t.applied([t.edit(record)]);
      const cursor = await t.here();
      const { results } = await t.backend.push([record], key);
      expect(JSON.stringify(results) === JSON.stringify(first), `the first time ${told(first[0])}, the second time ${told(results[0])}`);
      const again = (await t.news(cursor)).records.find(({ id }) => id === record.id);
      if (again) same(t.edited(), again);
    },
  },
  {
    id: "same-copy", title: "the copy that is held already is applied again, under any key",
    async run(t) {
      const record = t.fresh();
      await t.applied([record]);
      await t.applied([record]);
    },
  },
  {
    id: "stale", title: "an older copy is answered `conflict` with the newer one, which stays",
    async run(t) {
      const record = t.fresh();
      const newer = t.edit(record);
      const cursor = await t.here();
      await t.applied([newer]);
      const { results: [result] } = await t.backend.push([record]);
      expect(result?.status === "conflict", `it was answered ${told(result)}`);
      expect(result.record?.clientUpdatedAt === newer.clientUpdatedAt, "the answer does not hold the newer copy");
      same(t.edited(), result.record);
      same(t.edited(), await t.delivered(record.id, cursor));
    },
  },
  {
    id: "pages", title: "pages of any size give each record once",
    async run(t) {
      if (t.plan.byTime) throw new Skipped("a backend without cursors");
      const cursor = await t.here();
      const records = t.fresher(5);
      await t.applied(records);
      const { records: got, pages, cursor: end } = await t.news(cursor, 2);
      for (const { count } of pages) expect(count <= 2, `a page of 2 was asked for, and ${count} records came`);
      once(records, got);
      const { records: none } = await t.news(end);
      expect(!none.some(({ id }) => records.some((record) => record.id === id)), "a record comes again behind the last page");
    },
  },
  {
    id: "cursor", title: "a cursor can be asked again, and what changes between two pages comes behind them",
    async run(t) {
      if (t.plan.byTime) throw new Skipped("a backend without cursors");
      const cursor = await t.here();
      const records = t.fresher(5);
      await t.applied(records);
      const first = await t.backend.pull(cursor, 2);
      const again = await t.backend.pull(cursor, 2);
      const ids = (page) => JSON.stringify(page.records.map(({ id }) => id));
      expect(ids(first) === ids(again), "one cursor, asked twice, gave two different pages");
      const [edited, added] = [t.edit(records[0]), t.fresh()];
      await t.applied([edited, added]);
      const { records: rest } = await t.news(first.cursor, 2);
      once([...records.slice(1), added], [...first.records.filter(({ id }) => id !== edited.id), ...rest.filter(({ id }) => id !== edited.id)]);
      const copies = rest.filter(({ id }) => id === edited.id);
      expect(copies.length > 0, "a record edited between two pages does not come again");
      same(t.edited(), copies.at(-1));
    },
  },
  {
    id: "concurrent", title: "a reader misses nothing of what is pushed at the same time",
    async run(t) {
      const cursor = await t.here();
      const batches = Array.from({ length: 8 }, () => t.fresher(3));
      let writing = true;
      const written = Promise.all(batches.map((batch) => t.applied(batch))).finally(() => {
        writing = false;
      });
      // Awaited below.
      written.catch(() => {});
      const seen = new Set();
      let at = cursor;
      while (writing) {
        const { records, cursor: next } = await t.news(at, 3);
        for (const { id } of records) seen.add(id);
        at = next;
      }
      await written;
      for (const { id } of (await t.news(at)).records) seen.add(id);
      const missed = batches.flat().filter(({ id }) => !seen.has(id)).length;
      expect(missed === 0, `${missed} of 24 records never came`);
    },
  },
  {
    id: "users", title: "another user sees nothing of it",
    async run(t) {
      if (!t.plan.otherToken) throw new Skipped("no --other-token");
      const record = t.fresh();
      await t.applied([record]);
      let cursor = null;
      for (;;) {
        const page = await t.backend.pull(cursor, undefined, { token: t.plan.otherToken });
        expect(!page.records.some(({ id }) => id === record.id), "a record of this user comes to the other one");
        if (!page.hasMore) return;
        cursor = page.cursor;
      }
    },
  },
];

/** Every field that was sent is there; a backend may add some. */
function same(fields, held) {
  for (const [name, value] of Object.entries(fields)) {
    expect(sorted(held[name]) === sorted(value), `\`${name}\` was sent as ${short(value)} and came back as ${short(held[name])}`);
  }
}

/** Each record is among what came, once. */
function once(records, came) {
  for (const { id } of records) {
    const times = came.filter((record) => record.id === id).length;
    expect(times === 1, times === 0 ? "a record is left out between two pages" : `a record comes ${times} times`);
  }
}

function sorted(value) {
  return JSON.stringify(value, (_, inner) =>
    (inner && typeof inner === "object" && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner));
}

function short(value) {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
