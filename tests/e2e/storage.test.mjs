// The database is deleted, upgraded, evicted in whole or in part, or gone with a private window: the app is told, and what is left goes on.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { bare, barePage } from "./bare.mjs";
import { bareAnswer, openBare } from "./bare-page.mjs";
import { ARGS } from "./browser.mjs";
import { scenario } from "./world.mjs";
import file from "../../www/entities.json" with { type: "json" };

const ENTITY = "workout-logs";

const names = async (server) => [...(await server.records(ENTITY)).values()].map(({ exercise }) => exercise).sort();
const shown = (page) => page.evaluate(async () => (await logs.list()).map(({ exercise }) => exercise).sort());

for (const layout of ["rows", "packed"]) bare(`a database that the browser evicts under a running app is made again, filled anew, and written to (${layout})`, async ({ server, page }) => {
  await page.evaluate(async () => { await logs.put({ ...log, exercise: "before" }); await sync.syncNow(); });
  const protocol = await page.context().newCDPSession(page);
  await protocol.send("Storage.clearDataForOrigin", { origin: new URL(page.url()).origin, storageTypes: "indexeddb" });
  await page.evaluate(async () => {
    // A write that the eviction cuts short fails whole; the next one finds a database.
    let put;
    do put = await attempt(() => logs.put({ ...log, exercise: "after" }));
    while (put.code === "store");
    await logs.whenSynced(put.value.id);
    await sync.syncNow();
  });
  assert.deepEqual(await shown(page), ["after", "before"]);
  assert.deepEqual(await names(server), ["after", "before"]);
}, {}, { layout });

bare("a database that another script of the app deletes is made again too", async ({ page }) => {
  await page.evaluate(async () => {
    await logs.put({ ...log, exercise: "before" });
    await sync.syncNow();
    await new Promise((resolve, reject) => Object.assign(indexedDB.deleteDatabase("bare"), { onsuccess: resolve, onerror: reject }));
    await sync.syncNow();
  });
  assert.deepEqual(await shown(page), ["before"]);
});

bare("what is left after lastword's own store was lost goes out, and the rest comes back", async ({ server, page }) => {
  await page.evaluate(async () => { await logs.put({ ...log, exercise: "known" }); await sync.syncNow(); });
  await server.stop();
  await page.evaluate(async () => {
    await logs.put({ ...log, exercise: "unsent" });
    await sync.destroy();
    const database = await new Promise((resolve, reject) => Object.assign(indexedDB.open("bare"), { onsuccess: ({ target }) => resolve(target.result), onerror: reject }));
    const transaction = database.transaction(["_lastword_meta", "workout-logs"], "readwrite");
    transaction.objectStore("_lastword_meta").clear();
    const rows = await new Promise((resolve) => { transaction.objectStore("workout-logs").getAll().onsuccess = ({ target }) => resolve(target.result); });
    transaction.objectStore("workout-logs").delete(rows.find(({ exercise }) => exercise === "known").id);
    await new Promise((resolve) => { transaction.oncomplete = resolve; });
    database.close();
  });
  await server.start();
  await page.evaluate(async () => {
    globalThis.sync = await createSync(options);
    globalThis.logs = sync.entities["workout-logs"];
    await sync.syncNow();
  });
  assert.deepEqual(await shown(page), ["known", "unsent"]);
  assert.deepEqual(await names(server), ["known", "unsent"]);
});

for (const [store, damage] of [["meta", { name: "replica", value: { fence: "high" } }], ["conflicts", { entity: ENTITY, id: "a", local: 5 }]]) bare(`signing out wipes everything also where an entry of ours cannot be read (${store})`, async ({ server, page }) => {
  await server.stop();
  const seen = await page.evaluate(async ([store, damage]) => {
    await logs.put({ ...log, exercise: "never sent" });
    const deviceId = await sync.deviceId();
    const database = await new Promise((resolve, reject) => Object.assign(indexedDB.open("bare"), { onsuccess: ({ target }) => resolve(target.result), onerror: reject }));
    const transaction = database.transaction(store, "readwrite");
    transaction.objectStore(store).put(damage);
    await new Promise((resolve) => { transaction.oncomplete = resolve; });
    database.close();
    const unsent = await sync.signOut({ wipe: true });
    return [unsent, await logs.list(), await sync.pending(), await sync.deviceId() === deviceId];
  }, [`_lastword_${store}`, damage]);
  assert.deepEqual(seen, [{ unsent: 1 }, [], [], true]);
  await server.start();
  // Another account begins with the same database.
  await page.evaluate(async (token) => {
    await sync.signIn({ account: "another", token });
    await logs.put({ ...log, exercise: "after" });
    await sync.syncNow();
  }, server.key);
  assert.deepEqual(await names(server), ["after"]);
});

bare("another script's upgrade is not held up, and the sync goes on with the new version", async ({ server, page }) => {
  await page.evaluate(async () => {
    await logs.put({ ...log, exercise: "before" });
    const { version } = (await indexedDB.databases()).find(({ name }) => name === "bare");
    await new Promise((resolve, reject) => {
      const open = indexedDB.open("bare", version + 1);
      open.onblocked = () => reject(new Error("blocked"));
      open.onupgradeneeded = () => open.result.createObjectStore("of the app");
      open.onsuccess = () => resolve(open.result.close());
    }).catch((error) => { throw new Error(String(error)); });
    await logs.put({ ...log, exercise: "after" });
    await sync.syncNow();
  });
  assert.deepEqual(await names(server), ["after", "before"]);
});

barePage("another tab that keeps an old version open is named after a while, and once it is closed all goes on", async ({ server, page }) => {
  const refused = await page.evaluate(async ([entities, token]) => {
    const old = await new Promise((resolve, reject) => Object.assign(indexedDB.open("held", 1), { onsuccess: ({ target }) => resolve(target.result), onerror: reject }));
    const options = { database: "held", entities, backend: { url: "/" }, token };
    const refused = await attempt(() => createSync(options));
    old.close();
    globalThis.sync = await createSync(options);
    await sync.entities["workout-logs"].put({ exercise: "after", performedAt: 1, sets: [{ reps: 5, weight: 100 }] });
    await sync.syncNow();
    return refused;
  }, [file.entities, server.key]);
  assert.deepEqual([refused.typed, refused.code, refused.retryable], [true, "store", true]);
  assert.match(refused.message, /another tab keeps an old version of `held` open/);
  assert.deepEqual(await names(server), ["after"]);
});

bare("persist asks the browser to keep the data, and tells whether it does", async ({ page }) => {
  const protocol = await page.context().newCDPSession(page);
  const answer = async (setting) => {
    await protocol.send("Browser.setPermission", { permission: { name: "persistent-storage" }, setting, origin: new URL(page.url()).origin });
    return page.evaluate(async () => [await sync.persist(), await navigator.storage.persisted()]);
  };
  assert.deepEqual(await answer("denied"), [false, false]);
  assert.deepEqual(await answer("granted"), [true, true]);
}, { autoStart: false });

scenario("in a private window everything works until it is closed", async ({ server, proxy }) => {
  const front = await proxy();
  front.answer = bareAnswer;
  const browser = await chromium.launch({ executablePath: process.env.LASTWORD_CHROMIUM ?? "/usr/bin/chromium", args: ARGS });
  try {
    for (const [own, found] of [["first", ["first"]], ["second", ["first", "second"]]]) {
      const context = await browser.newContext();
      const page = await openBare(context, front.url);
      const all = await page.evaluate(async ([entities, token, exercise]) => {
        const sync = await createSync({ database: "private", entities, backend: { url: "/" }, token });
        const logs = sync.entities["workout-logs"];
        const before = await logs.list();
        await logs.put({ exercise, performedAt: 1, sets: [{ reps: 5, weight: 100 }] });
        await sync.syncNow();
        return [before.length, (await logs.list()).map(({ exercise }) => exercise).sort()];
      }, [file.entities, server.key, own]);
      assert.deepEqual(all[1], found);
      await context.close();
    }
  } finally {
    await browser.close();
  }
});
