// System M of docs/seeds.md, a self-hosted mood and assessment journal: times in place of a deleted flag, one pair of
// endpoints, keys made by an administrator.
import assert from "node:assert/strict";
import { bareAnswer } from "./bare-page.mjs";
import { system } from "./system.mjs";

const MOODS = "mood-entries";
const journal = system("mood-journal", { options: { backend: { url: "/", style: "changeset" } } });
const mood = (score, note) => ({ mood: score, felt_at: "2025-06-01T08:00:00.000Z", note });
const post = (server, path, body) => server.request(path, { method: "POST", body, headers: { "idempotency-key": crypto.randomUUID() } });

journal("M1: activities, moods, assessments and schedules travel, and each is validated by one declaration on both sides", async ({ server, device }) => {
  const [phone, laptop] = [await device(), await device()];
  const activity = await phone.put("activities", { name: "A walk", kind: "rest" });
  const records = {
    activities: activity,
    [MOODS]: await phone.put(MOODS, { ...mood(7, "Sunny."), activity_id: activity.id }),
    "assessment-entries": await phone.put("assessment-entries", { instrument: "who-5", answers: [3, 4, 3, 5, 4], score: 76, taken_at: "2025-06-01T08:00:00.000Z" }),
    schedules: await phone.put("schedules", { asks: "mood", every_days: 1, minute_of_day: 480 }),
  };
  await phone.syncNow();
  await laptop.syncNow();
  for (const [entity, { created_at, updated_at, ...record }] of Object.entries(records)) {
    const { server_updated_at, ...here } = await laptop.read(entity, record.id);
    assert.deepEqual(Object.fromEntries(Object.keys(record).map((name) => [name, here[name]])), record, entity);
  }
  const refused = await phone.attempt((fields) => sync.entities["mood-entries"].put(fields), mood(11));
  assert.equal(refused.code, "invalid");
  const [result] = await server.push(MOODS, [{ id: "bad", clientCreatedAt: 1, clientUpdatedAt: 1, isDeleted: false, ...mood(11) }]);
  assert.deepEqual([result.status, result.code], ["rejected", "invalid"]);
});

journal("M2: rows carry created_at, updated_at and deleted_at, and a delete by time is a delete everywhere", async ({ server, device }) => {
  const [phone, laptop] = [await device(), await device()];
  const made = await phone.put(MOODS, mood(4));
  assert.deepEqual([made.created_at, made.deleted_at], [made.updated_at, null]);
  assert.equal(new Date(made.created_at).toISOString(), made.created_at);
  await phone.syncNow();
  await laptop.syncNow();
  await laptop.delete(MOODS, made.id);
  await laptop.syncNow();
  await phone.syncNow();
  const [row] = await phone.rows(MOODS);
  assert.equal(row.deleted_at, row.updated_at);
  assert.deepEqual(await phone.list(MOODS), []);
  assert.equal((await server.records(MOODS)).get(made.id).isDeleted, true);
});

journal("M3, M9: the service says that it lives and that it is ready, and each answer has its id", async ({ server }) => {
  assert.deepEqual(await server.request("/health"), { status: "ok" });
  assert.deepEqual(await server.request("/ready"), { status: "ready" });
  const answer = await fetch(new URL("/health", server.url), { headers: { "x-request-id": "seen-in-the-log" } });
  assert.equal(answer.headers.get("x-request-id"), "seen-in-the-log");
});

journal("M4: a key is made and revoked by the administrator; without a good one nothing is let in, and the app says so", async ({ server, device }) => {
  const phone = await device({ autoStart: true });
  const { id } = await phone.put(MOODS, mood(6));
  await phone.run((id) => sync.entities["mood-entries"].whenSynced(id), id);
  const other = await server.admin("key", "create", "--user", "tester");
  const [first] = (await server.admin("key", "list", "--user", "tester")).split("\n");
  await server.admin("key", "revoke", first.trim().split(/\s+/)[0]);
  await phone.put(MOODS, mood(5));
  await phone.until({ state: "auth_needed", pending: 1 });
  const status = async (key) => (await fetch(new URL("/api/v1/mood-entries", server.url), { headers: { authorization: `Bearer ${key}`, "x-sync-protocol": "1" } })).status;
  assert.deepEqual([await status(server.key), await status("none"), await status(other.split(/\s+/).at(-1))], [401, 401, 200]);
  await phone.run((token) => sync.configure({ token }), other.split(/\s+/).at(-1));
  await phone.until({ state: "idle", pending: 0 });
});

journal("M5: a newer upload is applied, an older one is a conflict and changes nothing, and the answers repeat", async ({ server }) => {
  const change = (id, updated_at, score) => ({ entity_type: MOODS, id, updated_at, deleted: false, data: { clientCreatedAt: 1, ...mood(score) } });
  const upload = (changes) => post(server, "/v1/sync/upload", { device_id: crypto.randomUUID(), changes });
  const download = (since) => post(server, "/v1/sync/download", { device_id: crypto.randomUUID(), since });
  const first = await upload([change("a", 10, 5)]);
  assert.deepEqual(first.applied.map(({ id }) => id), ["a"]);
  for (let time = 0; time < 2; time++) {
    const { applied, conflicts } = await upload([change("a", 9, 1)]);
    assert.deepEqual([applied, conflicts[0].id, conflicts[0].server.data.mood], [[], "a", 5]);
  }
  const newer = await upload([change("a", 11, 8), { entity_type: MOODS, id: "b", updated_at: 11, deleted: true, data: null }]);
  assert.deepEqual(newer.applied.map(({ id }) => id), ["a", "b"]);
  const all = await download();
  assert.deepEqual(all.changes.map(({ id, updated_at, deleted, data }) => [id, updated_at, deleted, data?.mood]), [["a", 11, false, 8], ["b", 11, true, undefined]]);
  assert.deepEqual((await download(all.server_cursor)).changes, []);
  assert.deepEqual((await download(first.server_cursor)).changes.map(({ id }) => id), ["a", "b"]);
});

journal("M6: configured, enabled, disabled, synced once; a network failure is seen and harms nothing", async ({ server, front, device }) => {
  const uploads = [];
  front.answer = (request) => {
    if (request.path === "/v1/sync/upload") uploads.push(JSON.parse(request.body).device_id);
    return bareAnswer(request);
  };
  const phone = await device({ token: "not yet" });
  const { id } = await phone.put(MOODS, mood(3, "Rain."));
  assert.equal((await phone.status()).state, "stopped");
  assert.equal((await phone.attempt(() => sync.syncNow())).code, "auth_needed");
  await phone.run((token) => sync.configure({ backend: { url: "/", style: "changeset" }, token }), server.key);
  await server.stop();
  const failed = await phone.attempt(() => sync.syncNow());
  assert.deepEqual([failed.code, failed.retryable], ["network", true]);
  assert.deepEqual([(await phone.rows(MOODS))[0].note, (await phone.status()).pending], ["Rain.", 1]);
  await server.start();
  assert.equal((await phone.syncNow()).pushed, 1, "once, while disabled");
  assert.deepEqual([...new Set(uploads)], [await phone.run(() => sync.deviceId())]);
  assert.equal((await phone.status()).state, "stopped");
  await phone.run(() => sync.start());
  await phone.update(MOODS, id, { mood: 9 });
  await phone.run((id) => sync.entities["mood-entries"].whenSynced(id), id);
  await phone.run(() => sync.stop());
  await phone.update(MOODS, id, { mood: 1 });
  await phone.until({ state: "stopped", pending: 1 });
  assert.equal((await server.records(MOODS)).get(id).mood, 9);
});

journal("M10: disabled changes nothing; two devices see each other's records; the last write wins; deletes propagate", async ({ server, device }) => {
  const [phone, laptop] = [await device(), await device()];
  const { id } = await phone.put(MOODS, mood(5));
  assert.equal((await server.records(MOODS)).size, 0, "disabled");
  const second = await laptop.put(MOODS, mood(2));
  for (const one of [phone, laptop, phone]) await one.syncNow();
  for (const one of [phone, laptop]) assert.deepEqual((await one.list(MOODS)).map((row) => row.id).sort(), [id, second.id].sort());
  await phone.update(MOODS, id, { mood: 6 });
  await laptop.update(MOODS, id, { mood: 7 });
  for (const one of [laptop, phone, laptop]) await one.syncNow();
  for (const one of [phone, laptop]) assert.equal((await one.read(MOODS, id)).mood, 7, "the later edit");
  await phone.delete(MOODS, second.id);
  for (const one of [phone, laptop]) await one.syncNow();
  assert.equal(await laptop.read(MOODS, second.id), undefined);
});
