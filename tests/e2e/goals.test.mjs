// System S of docs/seeds.md, strategic goals: every record shows where its sync stands, in columns of its own row.
import assert from "node:assert/strict";
import { bareAnswer } from "./bare-page.mjs";
import { system } from "./system.mjs";

const GOALS = "strategic-goals";
const goals = system("goals");
const goal = (title) => ({ title, horizon: "year" });

/** Answers every push of goals with a refusal. */
const refusing = (request) => {
  if (request.method !== "POST" || !request.path.startsWith(`/api/v1/${GOALS}`)) return bareAnswer(request);
  const { records } = JSON.parse(request.body);
  return { body: { results: records.map(({ id }) => ({ id, status: "rejected", code: "invalid", message: "the year is closed" })) } };
};

goals("S1: each row shows its sync in five columns, in either style of names, and none of them travels", async ({ server, device }) => {
  const phone = await device();
  const { id } = await phone.put(GOALS, goal("Open a second shop"));
  await phone.put("milestones", { goalId: id, title: "Find a place" });
  const columns = async () => {
    const [{ last_synced_at, last_sync_attempt_at, sync_status, sync_error_message, sync_version }] = await phone.rows(GOALS);
    const [{ lastSyncedAt, lastSyncAttemptAt, syncStatus, syncErrorMessage, syncVersion }] = await phone.rows("milestones");
    return [[last_synced_at > 0, last_sync_attempt_at > 0, sync_status, sync_error_message, sync_version], [lastSyncedAt > 0, lastSyncAttemptAt > 0, syncStatus, syncErrorMessage, syncVersion]];
  };
  assert.deepEqual(await columns(), Array(2).fill([false, false, "pending", null, null]), "never synced");
  await phone.syncNow();
  assert.deepEqual(await columns(), Array(2).fill([true, true, "synced", null, 1]));
  for (const entity of [GOALS, "milestones"]) {
    const [record] = (await server.records(entity)).values();
    assert.deepEqual(Object.keys(record).filter((name) => /sync/i.test(name)), [], entity);
  }
});

goals("S2: pending records are found, an attempt is marked before it is made, and records are counted by status", async ({ front, device }) => {
  const phone = await device();
  const [first] = await phone.bulkPut(GOALS, [goal("One"), goal("Two"), goal("Three")]);
  await phone.syncNow();
  await phone.update(GOALS, first.id, { progress: 10 });
  assert.deepEqual((await phone.run(() => sync.pending())).map(({ id, operation }) => [id, operation]), [[first.id, "update"]]);
  const column = async (name) => (await phone.rows(GOALS)).find(({ id }) => id === first.id)[name];
  const before = await column("last_sync_attempt_at");
  let arrived;
  let release;
  const isHeld = new Promise((resolve) => { arrived = resolve; });
  const held = new Promise((resolve) => { release = resolve; });
  front.answer = (request) => (request.method === "POST" ? (arrived(), held) : bareAnswer(request));
  const round = phone.syncNow();
  await isHeld;
  assert.ok(await column("last_sync_attempt_at") > before, "marked while the upload is under way");
  assert.equal(await column("sync_status"), "pending");
  front.answer = bareAnswer;
  release();
  await round;
  front.answer = refusing;
  await phone.put(GOALS, goal("Four"));
  await phone.syncNow();
  await phone.put(GOALS, goal("Five"));
  const { records, synced, pending, failed, conflict } = (await phone.run(() => sync.stats())).entities[GOALS];
  assert.deepEqual({ records, synced, pending, failed, conflict }, { records: 5, synced: 3, pending: 1, failed: 1, conflict: 0 });
});

goals("S3: synced with a new version; failed with its message and no new version; conflict where the server's is newer", async ({ front, device, entities }) => {
  const manual = { ...entities, [GOALS]: { ...entities[GOALS], conflicts: "manual" } };
  const [phone, laptop] = [await device({ entities: manual }), await device()];
  const { id } = await phone.put(GOALS, goal("Open a second shop"));
  const shown = async () => {
    const [{ sync_status, sync_version, sync_error_message }] = await phone.rows(GOALS);
    return [sync_status, sync_version, sync_error_message];
  };
  await phone.syncNow();
  assert.deepEqual(await shown(), ["synced", 1, null]);
  await phone.update(GOALS, id, { progress: 10 });
  await phone.syncNow();
  assert.deepEqual(await shown(), ["synced", 2, null]);

  await phone.update(GOALS, id, { progress: 20 });
  front.answer = refusing;
  await phone.syncNow();
  assert.deepEqual(await shown(), ["failed", 2, "the year is closed"]);
  front.answer = bareAnswer;

  await laptop.syncNow();
  await laptop.update(GOALS, id, { progress: 90 });
  await laptop.syncNow();
  await phone.update(GOALS, id, { progress: 30 });
  await phone.syncNow();
  assert.deepEqual(await shown(), ["conflict", 2, "server version newer"]);
  const [{ local, remote }] = await phone.run(() => sync.conflicts.list());
  assert.deepEqual([local.progress, remote.progress], [30, 90]);
});

goals("S4: never synced, last sync, the error's text, and a retry of one failed record or of all", async ({ front, server, device }) => {
  const phone = await device();
  front.answer = refusing;
  const made = await phone.bulkPut(GOALS, [goal("One"), goal("Two"), goal("Three")]);
  await phone.syncNow();
  for (const row of await phone.list(GOALS)) {
    assert.deepEqual([row.sync_status, row.last_synced_at, row.sync_error_message], ["failed", null, "the year is closed"]);
  }
  front.answer = bareAnswer;
  await phone.syncNow();
  assert.equal((await server.records(GOALS)).size, 0, "not tried again by itself");
  await phone.run((id) => sync.failures.retry("strategic-goals", id), made[0].id);
  await phone.syncNow();
  assert.deepEqual([...(await server.records(GOALS)).keys()], [made[0].id]);
  const one = (await phone.list(GOALS)).find(({ id }) => id === made[0].id);
  assert.deepEqual([one.sync_status, one.sync_error_message, one.last_synced_at > 0], ["synced", null, true]);
  assert.equal(await phone.run(() => sync.failures.retryAll()), 2);
  await phone.syncNow();
  assert.equal((await server.records(GOALS)).size, 3);
});

goals("S5: records that never had sync columns start as pending by one call, deleted ones do not", async ({ server, device }) => {
  const phone = await device();
  const old = (id, isDeleted) => ({ id, ...goal(`Goal ${id}`), clientCreatedAt: 1, clientUpdatedAt: 1, isDeleted });
  await phone.write(GOALS, [old("a", false), old("b", false), old("c", true)]);
  assert.deepEqual((await phone.rows(GOALS)).map(({ sync_status }) => sync_status), [undefined, undefined, undefined]);
  await phone.run(() => sync.markAllDirty());
  assert.deepEqual((await phone.rows(GOALS)).map(({ id, sync_status }) => [id, sync_status]), [["a", "pending"], ["b", "pending"], ["c", undefined]]);
  await phone.syncNow();
  assert.deepEqual((await phone.rows(GOALS)).map(({ id, sync_status }) => [id, sync_status]), [["a", "synced"], ["b", "synced"], ["c", undefined]]);
  assert.deepEqual([...(await server.records(GOALS)).keys()].sort(), ["a", "b"]);
});
