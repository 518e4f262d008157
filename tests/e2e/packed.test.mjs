// Entities of layout `packed`, used as any other: two devices, many edits, every call, a page that comes back.
import assert from "node:assert/strict";
import { bare } from "./bare.mjs";
import { bareAnswer, openBare } from "./bare-page.mjs";
import { openProfile } from "./browser.mjs";

const ENTITY = "workout-logs";
const PACKED = { layout: "packed" };

/** A second device on the same account, in layout `packed` too. */
async function another({ front, page }, body) {
  front.answer = bareAnswer;
  const profile = await openProfile();
  try {
    const other = await openBare(profile.context, front.url);
    await other.evaluate(openAgain, await page.evaluate(() => options));
    await body(other);
    await other.evaluate(() => sync.destroy());
  } finally {
    await profile.close();
  }
}

/** Runs in a page: opens the replica of `options`. */
async function openAgain(options) {
  globalThis.options = options;
  globalThis.log = { exercise: "Squat", performedAt: Date.now(), sets: [{ reps: 5, weight: 100 }] };
  globalThis.sync = await createSync(options);
  globalThis.logs = sync.entities["workout-logs"];
}

const notes = (page) => page.evaluate(async () => (await logs.list()).map(({ id, note }) => `${id} ${note}`).sort());
const onServer = async (server) =>
  [...(await server.records(ENTITY)).values()].filter(({ isDeleted }) => !isDeleted).map(({ id, note }) => `${id} ${note}`).sort();

bare("packed rows: two devices edit, join and delete, and end equal", async (world) => {
  const { page, server } = world;
  await page.evaluate(async () => {
    await logs.bulkPut(Array.from({ length: 350 }, (_, n) => ({ ...log, id: `log-${n}`, note: "first" })));
    await sync.syncNow();
  });
  await another(world, async (other) => {
    await other.evaluate(() => sync.syncNow());
    assert.equal((await notes(other)).length, 350);
    // Many small commits, so that blocks are joined between the rounds.
    for (const [device, from] of [[page, 0], [other, 100], [page, 200], [other, 50]]) {
      await device.evaluate(async (from) => {
        for (let n = from; n < from + 40; n++) await logs.update(`log-${n}`, { note: `edited ${from}` });
        for (let n = from + 40; n < from + 50; n++) await logs.delete(`log-${n}`);
        await sync.syncNow();
      }, from);
      for (const each of [page, other]) await each.evaluate(() => sync.syncNow());
    }
    for (const each of [page, other, page]) await each.evaluate(() => sync.syncNow());
    const expected = await onServer(server);
    assert.equal(expected.length, 350 - 40);
    assert.deepEqual(await notes(page), expected);
    assert.deepEqual(await notes(other), expected);
  });
  const before = await notes(page);
  const settings = await page.evaluate(() => options);
  await page.evaluate(() => sync.destroy());
  await page.evaluate(openAgain, settings);
  assert.deepEqual(await notes(page), before, "and are there when the page comes back");
  assert.equal(await page.evaluate(async () => (await logs.get("log-300")).note), "first");
  const values = await page.evaluate(() => new Promise((resolve, reject) => {
    const request = indexedDB.open("bare");
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const count = request.result.transaction("workout-logs").objectStore("workout-logs").count();
      count.onsuccess = () => resolve(count.result, request.result.close());
      count.onerror = () => reject(count.error);
    };
  }));
  assert.ok(values < 250, `${values} values`);
}, { autoStart: false, debounceMs: 600_000 }, PACKED);

bare("packed rows: status columns, marks, removal and sign-out are as with rows", async ({ page, server }) => {
  const seen = await page.evaluate(async () => {
    await logs.put({ ...log, id: "a" });
    const pending = (await logs.get("a")).syncStatus;
    await sync.syncNow();
    const synced = await logs.get("a");
    const standing = await logs.statusOf("a");
    await logs.markDirty("a");
    await sync.syncNow();
    await logs.delete("a");
    const [gone, tombstones] = [await logs.get("a"), (await logs.list({ includeDeleted: true })).length];
    await logs.put({ ...log, id: "b" });
    await sync.syncNow();
    const stats = await sync.stats();
    await sync.signOut({ wipe: true });
    return {
      pending, synced: [synced.syncStatus, synced.version, typeof synced.serverUpdatedAt, "_synced" in synced], standing: standing.state,
      gone, tombstones, records: stats.records, left: (await logs.list({ includeDeleted: true })).length,
    };
  });
  assert.deepEqual(seen, {
    pending: "pending", synced: ["synced", 1, "number", false], standing: "synced", gone: undefined, tombstones: 1, records: 2, left: 0,
  });
  assert.deepEqual([...(await server.records(ENTITY)).keys()].sort(), ["a", "b"]);
}, { autoStart: false, debounceMs: 600_000 }, { ...PACKED, statusFields: "camelCase" });
