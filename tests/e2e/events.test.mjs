// The events that an app listens for, each with what it names, and rows that the app says it wrote by itself.
import assert from "node:assert/strict";
import { bare } from "./bare.mjs";
import { bareAnswer } from "./bare-page.mjs";

const ENTITY = "workout-logs";

/** Edits one record here and then, with a later stamp, elsewhere; then syncs. Answers the events of these types. */
async function editedOnBothSides({ server, page }, types) {
  const id = await page.evaluate(async (types) => {
    globalThis.events = [];
    for (const type of types) sync.on(type, (event) => events.push(event));
    const { id } = await logs.put(log);
    await sync.syncNow();
    await logs.update(id, { note: "here" });
    return id;
  }, types);
  const { serverUpdatedAt: _s, version: _v, serverId: _i, ...record } = (await server.records(ENTITY)).get(id);
  const [result] = await server.push(ENTITY, [{ ...record, note: "elsewhere", clientUpdatedAt: Date.now() + 60_000 }]);
  assert.equal(result.status, "applied");
  const seen = await page.evaluate(async (id) => {
    await sync.syncNow();
    return { events, note: (await logs.get(id)).note };
  }, id);
  return { id, ...seen };
}

bare("superseded: an edit that lost to a newer one is told, with its record", async (world) => {
  const { id, events, note } = await editedOnBothSides(world, ["superseded", "conflict"]);
  assert.deepEqual(events, [{ type: "superseded", entity: ENTITY, id }]);
  assert.equal(note, "elsewhere");
}, { autoStart: false });

bare("conflict: where a person chooses, it is told and nothing is overwritten", async (world) => {
  const { id, events, note } = await editedOnBothSides(world, ["superseded", "conflict"]);
  assert.deepEqual(events, [{ type: "conflict", entity: ENTITY, id }]);
  assert.equal(note, "here");
}, { autoStart: false }, { conflicts: "manual" });

bare("auth_needed: a token that is refused twice is told once, and the status says so", async ({ front, page }) => {
  front.answer = (request) => request.path.startsWith("/api/")
    ? { status: 401, body: { error: { code: "unauthorized", message: "sign in", retryable: false } } }
    : bareAnswer(request);
  const seen = await page.evaluate(async () => {
    let told = 0;
    const waited = new Promise((resolve) => sync.on("auth_needed", () => { told += 1; resolve(); }));
    await logs.put(log);
    const refused = await attempt(() => sync.syncNow());
    await waited;
    return { told, refused, pending: (await sync.status()).pending };
  });
  assert.deepEqual([seen.told, seen.refused.code, seen.pending], [1, "auth_needed", 1]);
}, { autoStart: false });

bare("log: a record that is set aside is told in words, without its contents", async ({ front, page }) => {
  front.answer = (request) => request.method === "GET" && request.path === `/api/v1/${ENTITY}`
    ? { body: { records: [{ id: "bad", clientCreatedAt: 1, clientUpdatedAt: 1, isDeleted: false, exercise: 5, secret: "hidden" }], cursor: "1", hasMore: false } }
    : bareAnswer(request);
  const said = await page.evaluate(async () => {
    const said = [];
    sync.on("log", ({ level, message }) => said.push({ level, message }));
    await attempt(() => sync.syncNow());
    return { said, quarantined: (await sync.status()).quarantined };
  });
  assert.equal(said.quarantined, 1);
  const about = said.said.find(({ message }) => message.includes(ENTITY));
  assert.equal(about?.level, "warn", JSON.stringify(said));
  assert.equal(about.message.includes("hidden"), false);
}, { autoStart: false });

bare("edited: rows that the app wrote by itself are found and sent without a call to sync", async ({ server, page }) => {
  await page.evaluate(() => new Promise((resolve, reject) => {
    const opening = indexedDB.open("bare");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const transaction = opening.result.transaction("workout-logs", "readwrite");
      const now = Date.now();
      transaction.objectStore("workout-logs").put({ ...log, id: "own", clientCreatedAt: now, clientUpdatedAt: now, isDeleted: false });
      transaction.onerror = () => reject(transaction.error);
      transaction.oncomplete = () => {
        opening.result.close();
        // The backend's time is written to the row when the backend has it.
        sync.on("status", () => void logs.get("own").then(({ serverUpdatedAt }) => serverUpdatedAt !== undefined && resolve()));
        sync.edited();
      };
    };
  }));
  assert.equal((await server.records(ENTITY)).get("own").exercise, "Squat");
}, { intervalMs: 3_600_000 }, { detect: "scan" });

bare("statusOf and whenSynced know of a row that the app wrote by itself before it is found", async ({ server, page }) => {
  const write = () => page.evaluate((note) => new Promise((resolve, reject) => {
    const opening = indexedDB.open("bare");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const transaction = opening.result.transaction("workout-logs", "readwrite");
      const now = Date.now();
      transaction.objectStore("workout-logs").put({ ...log, note, id: "own", clientCreatedAt: now, clientUpdatedAt: now, isDeleted: false });
      transaction.onerror = () => reject(transaction.error);
      transaction.oncomplete = () => resolve(opening.result.close());
    };
  }), crypto.randomUUID());
  for (const edits of [1, 2]) {
    await write();
    const states = await page.evaluate(async () => {
      const before = (await logs.statusOf("own")).state;
      const waited = logs.whenSynced("own");
      await sync.syncNow();
      await waited;
      return [before, (await logs.statusOf("own")).state];
    });
    assert.deepEqual(states, ["pending", "synced"], `edit ${edits}`);
  }
  assert.equal((await server.records(ENTITY)).get("own").version, 2);
}, { autoStart: false }, { detect: "scan" });
