// An app whose own sync is replaced, by the steps of docs/guides/adoption.md: nothing is sent twice, nothing is lost.
import assert from "node:assert/strict";
import { openBare } from "./bare-page.mjs";
import { MOODS, own } from "./own-backend.mjs";

const at = (minute) => new Date(Date.UTC(2025, 0, 1, 0, minute)).toISOString();
const row = (id, minute, mood) => ({ id, created_at: at(0), updated_at: at(minute), deleted_at: null, mood });
/** What the old sync left in the app's rows, and how they stand to the backend. */
const ROWS = [
  { ...row("same", 1, 1), isDirty: false, lastSyncedAt: at(1) },
  { ...row("behind", 1, 2), isDirty: false, lastSyncedAt: at(1) },
  { ...row("edited", 5, 3), isDirty: true, lastSyncedAt: at(1) },
  { ...row("late", 2, 4), isDirty: true, lastSyncedAt: at(1) },
  { ...row("new", 5, 5), isDirty: true, lastSyncedAt: null },
];

own("a sync of the app's own is replaced: what was not sent goes out, everything else is as at the backend", async ({ front, backend, context }) => {
  for (const held of [row("same", 1, 1), row("behind", 3, 20), row("edited", 1, 30), row("late", 4, 40), row("far", 1, 6)]) backend.store(held);
  const page = await openBare(context, front.url);
  const seen = await page.evaluate(async ([MOODS, ROWS]) => {
    const database = (version, upgrade) => new Promise((resolve, reject) => {
      const request = indexedDB.open("app", version);
      request.onupgradeneeded = () => upgrade(request.result, request.transaction);
      request.onerror = () => reject(request.error);
      request.onsuccess = () => resolve(request.result);
    });
    (await database(1, (db) => {
      const store = db.createObjectStore("moods", { keyPath: "id" });
      for (const row of ROWS) store.put(row);
    })).close();

    // The app's own upgrade: which rows were not sent, and away with the flag, which would travel.
    const unsent = [];
    (await database(2, (_, transaction) => {
      const reading = transaction.objectStore("moods").openCursor();
      reading.onsuccess = () => {
        const cursor = reading.result;
        if (!cursor) return;
        const { isDirty, ...row } = cursor.value;
        if (isDirty) unsent.push(row.id);
        cursor.update(row);
        cursor.continue();
      };
    })).close();

    const entities = { moods: { ...MOODS, statusFields: { lastSyncedAt: "lastSyncedAt" } } };
    const sync = await createSync({ database: "app", entities, backend: { url: "/", since: "time" }, autoStart: false });
    for (const id of unsent) await sync.entities.moods.markDirty(id);
    const marked = (await sync.pending()).map(({ id }) => id).sort();
    const result = await sync.syncNow();
    const rows = await sync.entities.moods.list();
    const { pending } = await sync.stats();
    await sync.destroy();
    return { marked, result, pending, rows: rows.map(({ id, mood, lastSyncedAt }) => ({ id, mood, lastSyncedAt })) };
  }, [MOODS, ROWS]);

  assert.deepEqual(seen.marked, ["edited", "late", "new"]);
  assert.equal(seen.result.pushed, 3);
  assert.deepEqual(Object.fromEntries(seen.rows.map(({ id, mood }) => [id, mood])), { same: 1, behind: 20, edited: 3, late: 4, new: 5, far: 6 });
  for (const { id, lastSyncedAt } of seen.rows) assert.match(lastSyncedAt, /^20/, `${id} shows when it was synced`);
  assert.equal(seen.pending, 0);
  const sent = backend.requests.filter(({ method }) => method === "POST").flatMap(({ body }) => body.records);
  assert.deepEqual(sent.map(({ id }) => id).sort(), ["edited", "late", "new"]);
  for (const record of sent) assert.deepEqual(Object.keys(record).filter((name) => /dirty|synced/i.test(name)), []);
  assert.deepEqual(["edited", "late", "new"].map((id) => backend.rows.get(id).mood), [3, 4, 5]);
});
