// Every call of a sync that other tests do not make, and the columns that show the status in the app's own rows.
import assert from "node:assert/strict";
import { bare } from "./bare.mjs";
import { bareAnswer } from "./bare-page.mjs";
import { rowsOf } from "./browser.mjs";

const ENTITY = "workout-logs";
const ROWS = ["bare", ENTITY];

bare("S1: status columns follow a record from its edit to the backend, and never leave", async ({ front, server, page }) => {
  const columns = ({ sync_status, sync_error_message, sync_version, last_synced_at, last_sync_attempt_at }) =>
    ({ sync_status, sync_error_message, sync_version, synced: last_synced_at !== null, tried: last_sync_attempt_at !== null });
  const { id } = await page.evaluate(() => logs.put(log));
  const never = { sync_error_message: null, sync_version: null, synced: false, tried: false };
  assert.deepEqual(columns((await page.evaluate(rowsOf, ROWS))[0]), { sync_status: "pending", ...never });

  await page.evaluate(() => sync.syncNow());
  const [synced] = await page.evaluate(rowsOf, ROWS);
  assert.deepEqual(columns(synced), { sync_status: "synced", sync_error_message: null, sync_version: 1, synced: true, tried: true });
  assert.equal(Object.keys((await server.records(ENTITY)).get(id)).some((name) => /sync_|synced/.test(name)), false);

  // The app may give back what it read: the columns are not taken for fields.
  const shown = await page.evaluate(async (id) => logs.put({ ...(await logs.get(id)), note: "again" }), id);
  assert.equal(shown.note, "again");
  const pending = (await page.evaluate(() => logs.list()))[0];
  assert.deepEqual(columns(pending), { ...columns(synced), sync_status: "pending" });
  assert.equal(pending.last_synced_at, synced.last_synced_at);

  front.answer = (request) => request.method === "POST"
    ? { body: { results: [{ id, status: "rejected", code: "invalid", message: "no such exercise" }] } }
    : bareAnswer(request);
  await page.evaluate(() => sync.syncNow());
  const failed = (await page.evaluate(rowsOf, ROWS))[0];
  assert.deepEqual(columns(failed), { ...columns(synced), sync_status: "failed", sync_error_message: "no such exercise" });
  const [failure] = await page.evaluate(() => sync.failures.list());
  assert.deepEqual([failure.code, failure.help], ["invalid", "errors.md#failed-invalid"]);

  front.answer = bareAnswer;
  assert.equal(await page.evaluate(() => sync.failures.retryAll()), 1);
  await page.evaluate(() => sync.syncNow());
  assert.deepEqual(columns((await page.evaluate(rowsOf, ROWS))[0]), { ...columns(synced), sync_version: 2 });
}, { autoStart: false }, { statusFields: "snake_case" });

bare("S5, C7: what was there before sync is marked once, and everything of it goes out", async ({ server, page }) => {
  await page.evaluate(() => sync.destroy());
  const stats = await page.evaluate(async () => {
    await new Promise((resolve, reject) => {
      const request = indexedDB.open("bare");
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const transaction = request.result.transaction("workout-logs", "readwrite");
        for (const id of ["old-1", "old-2"]) transaction.objectStore("workout-logs").put({ ...log, id, clientCreatedAt: 1, clientUpdatedAt: 1, isDeleted: false });
        transaction.objectStore("workout-logs").put({ ...log, id: "gone", clientCreatedAt: 1, clientUpdatedAt: 1, isDeleted: true });
        transaction.oncomplete = () => { request.result.close(); resolve(); };
      };
    });
    globalThis.sync = await createSync({ ...options, autoStart: false });
    await sync.markAllDirty();
    const before = await sync.stats();
    await sync.syncNow();
    return { before, after: await sync.stats() };
  });
  assert.deepEqual(stats.before.entities[ENTITY], { records: 3, synced: 1, pending: 2, failed: 0, conflict: 0, quarantined: 0 });
  assert.deepEqual([stats.after.pending, stats.after.synced], [0, 3]);
  assert.deepEqual([...(await server.records(ENTITY)).keys()].sort(), ["old-1", "old-2"]);
});

bare("S4: a failure is listed with its place in the docs, retried, discarded, and exported", async ({ front, page }) => {
  front.answer = async (request) => {
    if (request.method !== "POST") return bareAnswer(request);
    const { records } = JSON.parse(request.body);
    return { body: { results: records.map(({ id }) => ({ id, status: "rejected", code: "forbidden", message: "not yours" })) } };
  };
  const seen = await page.evaluate(async () => {
    const events = [];
    sync.on("failure", (event) => events.push(event));
    const first = await logs.put(log);
    const waiting = attempt(() => logs.whenSynced(first.id));
    await sync.syncNow();
    const refused = await waiting;
    const second = await logs.put(log);
    await sync.syncNow();
    const list = await sync.failures.list();
    const exported = await sync.failures.export();
    await sync.failures.retry("workout-logs", first.id);
    const retried = (await logs.statusOf(first.id)).state;
    await sync.failures.discard("workout-logs", second.id);
    return { events, refused, list, exported, retried, discarded: (await logs.statusOf(second.id)).state, ids: [first.id, second.id] };
  });
  assert.deepEqual(seen.events.map(({ id, code, message }) => [id, code, message]).slice(0, 2), seen.ids.map((id) => [id, "forbidden", "not yours"]));
  assert.deepEqual([seen.refused.code, seen.refused.message], ["forbidden", "not yours"]);
  assert.deepEqual(seen.list.map(({ help }) => help), Array(2).fill("errors.md#failed-forbidden"));
  assert.deepEqual(seen.exported.unsynced.map(({ record }) => record.id).sort(), seen.ids.toSorted());
  assert.deepEqual([seen.retried, seen.discarded], ["pending", "unknown"]);
}, { autoStart: false });

bare("M6: a stopped sync changes nothing at the backend; a started one says how far it is", async ({ server, page }) => {
  const stopped = await page.evaluate(async () => {
    await logs.bulkPut(Array.from({ length: 250 }, (_, index) => ({ ...log, id: `log-${index}` })));
    return { state: (await sync.status()).state, pending: (await logs.pending()).length };
  });
  assert.deepEqual(stopped, { state: "stopped", pending: 250 });
  assert.equal((await server.records(ENTITY)).size, 0);
  const seen = await page.evaluate(async () => {
    const progress = [];
    sync.on("progress", (event) => progress.push(event));
    await sync.start();
    await sync.syncNow();
    // The debounce is long: no round goes by itself before the stop.
    await logs.bulkDelete(["log-0", "log-1"]);
    await logs.markDirty("log-2");
    await sync.stop();
    return { progress, state: (await sync.status()).state, pending: (await logs.pending()).map(({ operation }) => operation).sort() };
  });
  assert.ok(seen.progress.every(({ phase, done, total, bytes }) => (phase === "push") === (bytes === null) && (total === null || done <= total)), JSON.stringify(seen.progress));
  assert.equal(seen.state, "stopped");
  assert.deepEqual(seen.pending, ["delete", "delete", "update"]);
  assert.equal((await server.records(ENTITY)).size, 250);
}, { autoStart: false, debounceMs: 600_000 }, { fields: { version: "version" } });

bare("calls that are misused are refused with a typed error, and store nothing", async ({ page }) => {
  const refused = await page.evaluate(async () => {
    const calls = {
      bulkPut: () => logs.bulkPut({ ...log, id: "one" }), bulkPutNothing: () => logs.bulkPut(), bulkDelete: () => logs.bulkDelete("kept"),
      aFunction: () => logs.put({ ...log, notes: () => 1 }), aSymbol: () => logs.put({ ...log, notes: Symbol("x") }),
      account: () => sync.signIn({ account: 5 }), noAccount: () => sync.signIn({ account: null }), noOptions: () => createSync(),
      waitForNothing: () => logs.whenSynced("no such"),
    };
    await logs.put({ ...log, id: "kept" });
    const refused = {};
    for (const [name, call] of Object.entries(calls)) {
      const { typed, code } = await attempt(call);
      refused[name] = typed ? code : `not typed: ${code}`;
    }
    return { ...refused, ids: (await logs.list()).map(({ id }) => id) };
  });
  assert.deepEqual(refused, {
    bulkPut: "config", bulkPutNothing: "config", bulkDelete: "config", aFunction: "invalid", aSymbol: "invalid", account: "config",
    noAccount: "config", noOptions: "config", waitForNothing: "not_found", ids: ["kept"],
  });
  assert.deepEqual(await page.evaluate(() => sync.signOut()), { unsent: 1 });
}, { autoStart: false });

bare("who waits for a record to be synced hears that it was discarded, or the sync destroyed", async ({ page }) => {
  const ended = await page.evaluate(async () => {
    const waiting = [];
    for (const id of ["discarded", "kept"]) {
      await logs.put({ ...log, id });
      waiting.push(attempt(() => logs.whenSynced(id)));
    }
    await sync.failures.discard("workout-logs", "discarded");
    const discarded = await waiting[0];
    await sync.destroy();
    return [discarded.code, (await waiting[1]).code];
  });
  assert.deepEqual(ended, ["not_found", "destroyed"]);
}, { autoStart: false });
