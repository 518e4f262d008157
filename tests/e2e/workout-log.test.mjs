// System W of docs/seeds.md, a workout log with ten entities. Its scenarios on the page itself are in w13.test.mjs.
import assert from "node:assert/strict";
import { bareAnswer } from "./bare-page.mjs";
import { system } from "./system.mjs";

const LOGS = "workout-logs";
const workout = system("workout-log");
const log = (more) => ({ exercise: "Squat", performedAt: 1, sets: [{ reps: 5, weight: 100 }], ...more });

/** One record of every entity, parents first. */
async function fill(device) {
  const put = (entity, fields) => device.put(entity, fields);
  const exercise = await put("exercise-definitions", { name: "Squat", muscle: "legs" });
  const program = await put("program-definitions", { name: "Base", weeks: 4, days: [{ name: "Day 1", template: "Legs" }] });
  const rule = await put("progression-rules", { exerciseId: exercise.id, step: 2.5, everySessions: 1 });
  return {
    "user-settings": await put("user-settings", { unit: "kg", restSeconds: 90 }),
    "exercise-definitions": exercise,
    "workout-logs": await put(LOGS, log({ exerciseId: exercise.id })),
    "workout-templates": await put("workout-templates", { name: "Legs", exercises: [{ exercise: "Squat", sets: 3, reps: 5 }] }),
    "program-definitions": program,
    "active-program-instances": await put("active-program-instances", { programId: program.id, startedAt: 1, state: "active" }),
    "progression-rules": rule,
    "user-goals": await put("user-goals", { title: "140 kg", target: 140, unit: "kg" }),
    "user-bodyweight-logs": await put("user-bodyweight-logs", { measuredAt: 1, weight: 80.5 }),
    "applied-progression-logs": await put("applied-progression-logs", { ruleId: rule.id, appliedAt: 1, from: 20, to: 22.5 }),
  };
}

workout("W1, W2: ten entities go by a GET and a POST of their own, with the token, and arrive as they were", async ({ server, front, device, entities }) => {
  const [phone, laptop] = [await device(), await device()];
  const records = await fill(phone);
  assert.deepEqual(Object.keys(records).sort(), Object.keys(entities).sort());
  const asked = new Set();
  front.answer = (request) => {
    if (request.path.startsWith("/api/")) {
      assert.equal(request.headers.authorization, `Bearer ${server.key}`);
      asked.add(`${request.method} ${request.path}`);
    }
    return bareAnswer(request);
  };
  await phone.syncNow();
  await laptop.syncNow();
  for (const [entity, { path }] of Object.entries(entities)) {
    assert.ok(asked.has(`GET ${path}`) && asked.has(`POST ${path}/batch`), entity);
    const { serverUpdatedAt, serverId, version, ...here } = await laptop.read(entity, records[entity].id);
    assert.deepEqual(here, records[entity], entity);
    assert.deepEqual(["id", "clientCreatedAt", "clientUpdatedAt", "isDeleted"].filter((name) => !(name in here)), []);
  }
});

workout("W2: what does not match its contract is refused before it leaves, and set aside when it arrives", async ({ front, device }) => {
  const phone = await device();
  const refused = await phone.attempt((fields) => sync.entities["workout-logs"].put(fields), log({ sets: [] }));
  assert.deepEqual([refused.code, refused.details[0].path], ["invalid", "/sets"]);
  const record = (id, fields) => ({ id, clientCreatedAt: 1, clientUpdatedAt: 1, isDeleted: false, serverUpdatedAt: 2, version: 1, ...fields });
  const page = { records: [record("bad", log({ sets: "three" })), record("good", log())], cursor: "1", hasMore: false, serverTime: 2, epoch: "e" };
  front.answer = (request) => (request.method === "GET" && request.path === `/api/v1/${LOGS}` ? { body: page } : bareAnswer(request));
  assert.equal((await phone.syncNow()).quarantined, 1);
  assert.deepEqual((await phone.list(LOGS)).map(({ id }) => id), ["good"]);
});

workout("W3: rows that the app wrote, changed or marked deleted by itself since the last push are found and sent", async ({ server, device, entities }) => {
  const scanned = Object.fromEntries(Object.entries(entities).map(([name, entity]) => [name, { ...entity, detect: "scan" }]));
  const phone = await device({ entities: scanned });
  const at = Date.now();
  const row = (id, more) => ({ id, clientCreatedAt: at, clientUpdatedAt: at, isDeleted: false, ...log(), ...more });
  await phone.write(LOGS, [row("a"), row("b"), row("c")]);
  assert.equal((await phone.syncNow()).pushed, 3);
  const stored = Object.fromEntries((await phone.rows(LOGS)).map((found) => [found.id, found]));
  await phone.write(LOGS, [
    { ...stored.a, clientUpdatedAt: at + 1, note: "changed" }, { ...stored.b, clientUpdatedAt: at + 1, isDeleted: true }, row("d"),
  ]);
  assert.equal((await phone.syncNow()).pushed, 3, "and c, which did not change, stays");
  const seen = [...(await server.records(LOGS)).values()].map(({ id, isDeleted, note }) => [id, isDeleted, note]);
  assert.deepEqual(seen.sort(), [["a", false, "changed"], ["b", true, undefined], ["c", false, undefined], ["d", false, undefined]]);
  assert.equal((await phone.syncNow()).pushed, 0);
});

workout("W4: remote changes since the last pull are merged by clientUpdatedAt", async ({ server, device }) => {
  const phone = await device();
  const made = await phone.bulkPut(LOGS, [log({ note: "one" }), log({ note: "two" })]);
  await phone.syncNow();
  const copy = ({ id, clientCreatedAt, clientUpdatedAt }, by, note) => ({ id, clientCreatedAt, clientUpdatedAt: clientUpdatedAt + by, isDeleted: false, ...log({ note }) });
  const [first, second] = [await phone.update(LOGS, made[0].id, { note: "edited here" }), made[1]];
  await server.push(LOGS, [copy(first, -1, "older, elsewhere"), copy(second, 1, "newer, elsewhere"), { ...copy(second, 0, "another"), id: "other" }]);
  await phone.syncNow();
  const notes = Object.fromEntries((await phone.list(LOGS)).map(({ id, note }) => [id, note]));
  assert.deepEqual(notes, { [first.id]: "edited here", [second.id]: "newer, elsewhere", other: "another" });
  assert.equal((await server.records(LOGS)).get(first.id).note, "edited here");
  assert.equal((await phone.syncNow()).pulled, 1, "only what is new since then: the phone's own edit, which is confirmed by it");
  assert.equal((await phone.syncNow()).pulled, 0);
});

workout("W5: the last push and pull are kept for each entity, and move on success alone", async ({ front, device }) => {
  const phone = await device();
  await phone.put(LOGS, log());
  await phone.put("user-goals", { title: "140 kg", target: 140, unit: "kg" });
  front.answer = (request) => (request.path.startsWith(`/api/v1/${LOGS}`) ? { status: 503, body: {} } : bareAnswer(request));
  await phone.attempt(() => sync.syncNow());
  const at = async (entity) => (await phone.status()).entities[entity];
  assert.deepEqual([(await at(LOGS)).lastPullAt, (await at(LOGS)).lastPushAt], [null, null]);
  front.answer = bareAnswer;
  await phone.syncNow();
  const done = await at(LOGS);
  assert.ok(done.lastPullAt > 0 && done.lastPushAt > 0 && (await at("user-goals")).lastPushAt > 0);
  assert.equal((await at("user-settings")).lastPushAt, null, "nothing of it was pushed");
  front.answer = (request) => (request.path.startsWith("/api/") ? { status: 503, body: {} } : bareAnswer(request));
  await phone.put(LOGS, log());
  await phone.attempt(() => sync.syncNow());
  assert.deepEqual([(await at(LOGS)).lastPullAt, (await at(LOGS)).lastPushAt], [done.lastPullAt, done.lastPushAt]);
});

workout("W6, W7: rounds begin by themselves: on load, after an edit, when time has passed, and when the network is back", async ({ server, device }) => {
  const other = await device();
  await other.put(LOGS, log({ note: "before load" }));
  await other.syncNow();
  const phone = await device({ autoStart: true, intervalMs: 1000 });
  const shows = (note) => phone.run((wanted) => new Promise((resolve) => {
    const look = async () => (await sync.entities["workout-logs"].list()).some((row) => row.note === wanted) && (stop(), resolve());
    const stop = sync.on("change", look);
    void look();
  }), note);
  await shows("before load");
  const edit = await phone.put(LOGS, log({ note: "after an edit" }));
  await phone.run((id) => sync.entities["workout-logs"].whenSynced(id), edit.id);
  await other.put(LOGS, log({ note: "when time has passed" }));
  await other.syncNow();
  await shows("when time has passed");

  await phone.context.setOffline(true);
  await phone.put(LOGS, log({ note: "without a network" }));
  await phone.until({ state: "offline", pending: 1 });
  await phone.context.setOffline(false);
  await phone.until({ state: "idle", pending: 0 });
  assert.equal((await server.records(LOGS)).size, 4);
});

workout("W8: a soft delete leaves the views of other devices and keeps its row", async ({ device }) => {
  const [phone, laptop] = [await device(), await device()];
  const { id } = await phone.put(LOGS, log());
  for (const one of [phone, laptop]) await one.syncNow();
  await laptop.delete(LOGS, id);
  for (const one of [laptop, phone]) await one.syncNow();
  assert.deepEqual([await phone.list(LOGS), (await phone.run(() => sync.entities["workout-logs"].list({ includeDeleted: true }))).map((row) => row.isDeleted)], [[], [true]]);
});

workout("W9: http to another machine is refused, and the token is in no database, storage or address", async ({ server, front, device }) => {
  const phone = await device();
  const refused = await phone.attempt(() => createSync({ database: "other", entities: { a: {} }, backend: { url: "http://example.com/" } }));
  assert.deepEqual([refused.code, /https/.test(refused.message)], ["config", true]);
  await fill(phone);
  await phone.syncNow();
  const kept = await phone.run(async () => {
    const all = [JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage }), document.cookie, JSON.stringify(await caches.keys())];
    const open = indexedDB.open("workout-log");
    const db = await new Promise((resolve, reject) => Object.assign(open, { onsuccess: () => resolve(open.result), onerror: () => reject(open.error) }));
    for (const store of db.objectStoreNames) {
      const request = db.transaction(store).objectStore(store).getAll();
      all.push(JSON.stringify(await new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) }))));
    }
    db.close();
    return all.join();
  });
  assert.ok(kept.includes("Squat"), "the stores were read");
  assert.equal(kept.includes(server.key), false);
  assert.equal(front.seen.some(({ url }) => url.includes(server.key)), false);
});

workout("W10: requests, parsing and storing are done in a worker, none of it on the page", async ({ device, front }) => {
  const phone = await device();
  await fill(phone);
  await phone.syncNow();
  assert.ok(front.seen.some(({ url }) => url.startsWith("/api/")));
  assert.equal(phone.page.workers().length, 1);
  const asked = () => performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname);
  const [page, worker] = [await phone.page.evaluate(asked), await phone.page.workers()[0].evaluate(asked)];
  const isSync = (path) => path.startsWith("/api/") || path.endsWith(".wasm");
  assert.deepEqual(page.filter(isSync), []);
  assert.ok(worker.some((path) => path.endsWith(".wasm")) && worker.some((path) => path.startsWith("/api/")), String(worker));
});

workout("W11: an answer of 503 and a connection that breaks are tried again by themselves, after a wait", async ({ server, front, device }) => {
  let faults = [{ status: 503, body: {} }, { body: "{", cutAt: 0 }];
  front.answer = (request) => (request.path.startsWith("/api/") && faults.length > 0 ? faults.shift() : bareAnswer(request));
  const phone = await device({ autoStart: true });
  const waited = phone.run(() => new Promise((resolve) => sync.on("status", ({ status }) => status.nextTryAt !== null && resolve(status.nextTryAt))));
  const { id } = await phone.put(LOGS, log());
  await phone.run((id) => sync.entities["workout-logs"].whenSynced(id), id);
  assert.ok((await waited) > 0);
  assert.deepEqual([faults, (await server.records(LOGS)).size], [[], 1]);
});

workout("W12: what the server says of a record is written to it: its own id, its time, its version", async ({ server, device, entities }) => {
  const fields = { serverId: "serverId", serverUpdatedAt: "serverUpdatedAt", version: "version" };
  const phone = await device({ entities: { ...entities, [LOGS]: { ...entities[LOGS], fields } } });
  const { id } = await phone.put(LOGS, log());
  await phone.syncNow();
  await phone.update(LOGS, id, { note: "again" });
  await phone.syncNow();
  const { serverId, version, serverUpdatedAt } = await phone.read(LOGS, id);
  const there = (await server.records(LOGS)).get(id);
  assert.ok(serverId.length > 0 && version === 2);
  assert.deepEqual([serverId, version, serverUpdatedAt], [there.serverId, there.version, there.serverUpdatedAt]);
});
