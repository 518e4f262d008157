// The browser's storage is full, by the browser's own quota: what does not fit is refused whole, the app is told, nothing is lost.
import assert from "node:assert/strict";
import { barePage } from "./bare.mjs";
import file from "../../www/entities.json" with { type: "json" };

const ENTITY = "workout-logs";
const NOTE = 2_000;
/** Room for some dozens of logs with such a note. */
const ROOM = 300_000;

/** Logs with a long note, written by another device. */
function elsewhere(server, exercises) {
  const now = Date.now();
  const times = { clientCreatedAt: now, clientUpdatedAt: now, isDeleted: false, performedAt: now };
  const log = (exercise) => ({ id: crypto.randomUUID(), ...times, exercise, note: "x".repeat(NOTE), sets: [{ reps: 5, weight: 140 }] });
  return server.push(ENTITY, exercises.map(log));
}

/** How many records have each name, without those that only fill the room. */
const names = (records) => records.map(({ exercise }) => exercise).filter((exercise) => exercise !== "filler").sort();

/** A page that syncs when it is asked to, with `room(bytes)`: what the browser allows it to store; without `bytes`, much. */
function quota(name, body, layout) {
  const entities = structuredClone(file.entities);
  Object.assign(entities[ENTITY], { layout });
  barePage(name, async ({ server, front, page }) => {
    const protocol = await page.context().newCDPSession(page);
    const { origin } = new URL(page.url());
    const room = (quotaSize) => protocol.send("Storage.overrideQuotaForOrigin", { origin, ...(quotaSize ? { quotaSize } : {}) });
    // From the start: later the browser would go by what it measured before.
    await room(ROOM);
    await page.evaluate(async ([entities, token, NOTE]) => {
      const never = { intervalMs: 86_400_000, debounceMs: 86_400_000 };
      globalThis.said = [];
      globalThis.sync = await createSync({ database: "bare", entities, backend: { url: "/" }, token, ...never });
      sync.on("log", ({ level, message }) => said.push([level, message]));
      globalThis.logs = sync.entities["workout-logs"];
      globalThis.log = { exercise: "before", performedAt: Date.now(), sets: [{ reps: 5, weight: 100 }] };
      /** Stores logs two by two until the browser refuses; tells how many it took, and the refusal. */
      globalThis.fill = async () => {
        for (let stored = 0; ; stored += 2) {
          const put = await attempt(() => logs.bulkPut([1, 2].map(() => ({ ...log, exercise: "filler", note: "y".repeat(NOTE) }))));
          if (put.code) return { stored, refused: { typed: put.typed, code: put.code } };
        }
      };
      await logs.put(log);
      await sync.syncNow();
    }, [entities, server.key, NOTE]);
    /** Leaves no room at all; answers how many logs fitted in. */
    const full = async () => {
      const { stored, refused } = await page.evaluate(() => fill());
      assert.deepEqual(refused, { typed: true, code: "quota_exceeded" });
      await room(1);
      return stored + (await page.evaluate(() => fill())).stored;
    };
    const pushes = () => front.seen.filter(({ method }) => method === "POST").length;
    await body({ server, page, room, full, pushes });
  });
}

const count = (page) => page.evaluate(async () => (await logs.list()).length);
const shown = async (page) => names(await page.evaluate(() => logs.list()));
const held = async (server) => names([...(await server.records(ENTITY)).values()]);
const failsForRoom = async (page) => {
  assert.equal((await page.evaluate(() => attempt(() => sync.syncNow()))).code, "quota_exceeded");
  assert.equal((await page.evaluate(() => sync.status())).error.code, "quota_exceeded");
};

for (const layout of ["rows", "packed"]) quota(`what does not fit is refused whole, in and out, and all goes on once there is room (${layout})`, async ({ server, page, room, full, pushes }) => {
  const stored = await full();
  assert.equal(await count(page), 1 + stored, "both of a pair or none");
  const far = Array.from({ length: 50 }, (_, at) => `far ${at}`).sort();
  await elsewhere(server, far);
  await failsForRoom(page);
  const sent = pushes();
  await failsForRoom(page);
  assert.equal(pushes(), sent, "what was answered is not sent again in each round");
  assert.equal(await page.evaluate(() => said.some(([level, message]) => level === "warn" && message.includes("storage is full"))), true);
  // What was stored before is pushed all the same, and waits to be acknowledged.
  assert.equal((await server.records(ENTITY)).size, 1 + far.length + stored);
  assert.equal((await page.evaluate(() => sync.status())).pending, stored);
  // Of the page that did not fit nothing is here, and what was here is.
  assert.deepEqual(await shown(page), ["before"]);
  assert.equal(await count(page), 1 + stored);

  await room();
  await page.evaluate(async () => { await logs.put({ ...log, exercise: "after" }); await sync.syncNow(); });
  assert.deepEqual(await shown(page), ["after", "before", ...far]);
  assert.equal(await count(page), 2 + far.length + stored);
  assert.deepEqual(await held(server), ["after", "before", ...far]);
  const records = [...(await server.records(ENTITY)).values()];
  assert.equal(records.length, 2 + far.length + stored);
  assert.deepEqual(records.filter(({ version }) => version !== 1), [], "no edit counts twice");
  const { error, pending } = await page.evaluate(() => sync.status());
  assert.deepEqual([error, pending], [null, 0]);
}, layout);

quota("a tab that cannot even note that it leads says so, and leads once there is room", async ({ server, page, room, full }) => {
  await page.evaluate(() => sync.stop());
  const stored = await full();
  await failsForRoom(page);
  await failsForRoom(page);
  assert.equal((await server.records(ENTITY)).size, 1 + stored, "it pushes all the same");
  await room();
  await page.evaluate(() => sync.syncNow());
  // What was pushed has come back by the pull, which acknowledges it, or is pushed once more.
  const { error, pending } = await page.evaluate(() => sync.status());
  assert.deepEqual([error, pending, (await server.records(ENTITY)).size], [null, 0, 1 + stored]);
});
