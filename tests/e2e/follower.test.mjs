// The package in two tabs of one database: one leads, both show the same, and the lead moves without a second push.
import assert from "node:assert/strict";
import { bareAnswer, openBare } from "./bare-page.mjs";
import { MOODS, own } from "./own-backend.mjs";

/** A test with two open tabs of one database; the first leads. Nothing is synced but on request or after an edit. */
function tabs(name, body) {
  own(name, async ({ context, front, backend }) => {
    const open = async () => {
      const page = await openBare(context, front.url);
      await page.evaluate(async (MOODS) => {
        globalThis.seen = [];
        globalThis.sync = await createSync({
          database: "shared", entities: { moods: MOODS }, backend: { url: "/", since: "time" }, intervalMs: 86_400_000, debounceMs: 0,
        });
        globalThis.moods = sync.entities.moods;
        for (const type of ["change", "conflict", "failure", "superseded", "signed_out"]) sync.on(type, (event) => seen.push(event));
        /** Resolves with the first status that passes. */
        globalThis.until = (test) => new Promise((resolve) => {
          const look = () => test(sync.getSnapshot()) && (stop(), resolve(sync.getSnapshot()));
          const stop = sync.subscribe(look);
          look();
        });
      }, MOODS);
      return page;
    };
    const leader = await open();
    await leader.evaluate(() => until((status) => status.leader && status.state === "idle" && status.lastSyncAt));
    const follower = await open();
    await follower.evaluate(() => until((status) => status.lastSyncAt));
    const pushes = () => backend.requests.filter(({ method }) => method === "POST");
    await body({ front, backend, leader, follower, pushes });
  });
}

tabs("a follower shows the leader's status, hears of every change, and its edits go out by the leader, once", async ({ leader, follower, pushes }) => {
  const states = await Promise.all([leader, follower].map((page) => page.evaluate(() => sync.status())));
  assert.deepEqual(states.map(({ leader }) => leader), [true, false]);
  assert.equal(states[1].lastSyncAt, states[0].lastSyncAt);

  const id = await follower.evaluate(async () => {
    const { id } = await moods.put({ mood: 3 });
    await moods.whenSynced(id);
    return id;
  });
  assert.equal(await leader.evaluate(async (id) => (await moods.get(id)).mood, id), 3);
  assert.deepEqual((await leader.evaluate(() => seen))[0], { type: "change", entity: "moods", ids: [id], source: "local" });
  assert.deepEqual(pushes().map(({ body }) => body.records.map((record) => record.id)), [[id]]);
});

tabs("syncNow in a follower answers with the leader's round, and with its error", async ({ follower, backend, front }) => {
  backend.store({ id: "far", updated_at: "2025-01-01T00:00:00Z", mood: 5 });
  const result = await follower.evaluate(() => sync.syncNow());
  assert.equal(result.pulled, 1);
  assert.equal(await follower.evaluate(async () => (await moods.get("far")).mood), 5);
  assert.deepEqual(await follower.evaluate(() => seen), [{ type: "change", entity: "moods", ids: ["far"], source: "remote" }]);
  front.answer = (request) => (request.path.startsWith("/api/") ? { status: 503, body: {} } : bareAnswer(request));
  const refused = await follower.evaluate(() => attempt(() => sync.syncNow()));
  assert.deepEqual([refused.typed, refused.code, refused.retryable], [true, "backend", true]);
  await follower.evaluate(() => until((status) => status.error?.code === "backend" && !status.leader));
});

tabs("a tab that is stopped can still ask for a round, and stays stopped", async ({ follower, leader }) => {
  await follower.evaluate(() => sync.stop());
  await follower.evaluate(() => until((status) => status.state === "stopped"));
  await follower.evaluate(() => sync.syncNow());
  await follower.evaluate(() => until((status) => status.state === "stopped"));
  await leader.close();
  assert.equal((await follower.evaluate(() => sync.status())).leader, false);
});

tabs("when the leader closes in the middle of a round, the follower leads, ends its own request and pushes nothing twice", async ({ leader, follower, front, backend, pushes }) => {
  let held;
  const isHeld = new Promise((resolve) => { held = resolve; });
  const usual = front.answer;
  let hold = true;
  front.answer = (request) => {
    if (request.method !== "POST" || !hold) return usual(request);
    hold = false;
    const answer = usual(request);
    held();
    // Stored by the backend, never answered.
    return new Promise(() => void answer);
  };
  const id = await follower.evaluate(async () => (await moods.put({ mood: 1 })).id);
  await isHeld;
  const asked = follower.evaluate(() => sync.syncNow());
  await leader.close();
  await asked;
  const status = await follower.evaluate(() => until((status) => status.leader && status.pending === 0 && status.state === "idle"));
  assert.equal(status.error, null);
  assert.equal(backend.rows.size, 1);
  assert.deepEqual(pushes().map(({ body }) => body), [pushes()[0].body, pushes()[0].body], "the same body, again");
  assert.equal((await follower.evaluate((id) => moods.statusOf(id), id)).state, "synced");
});

tabs("a page that is frozen gives the lead to the other tab, and takes part again after", async ({ leader, follower, backend }) => {
  await leader.evaluate(() => document.dispatchEvent(new Event("freeze")));
  await follower.evaluate(() => until((status) => status.leader && status.state === "idle"));
  await leader.evaluate(() => document.dispatchEvent(new Event("resume")));
  const id = await leader.evaluate(async () => {
    const { id } = await moods.put({ mood: 2 });
    await moods.whenSynced(id);
    return id;
  });
  assert.equal(backend.rows.get(id).mood, 2);
  assert.equal((await leader.evaluate(() => sync.status())).leader, false);
});

tabs("signing out with wipe in one tab stops the others and tells them", async ({ leader, follower }) => {
  await follower.evaluate(async () => { await moods.put({ mood: 1 }); await sync.syncNow(); await sync.signOut({ wipe: true }); });
  await leader.evaluate(() => until((status) => status.state === "stopped"));
  assert.deepEqual(await leader.evaluate(() => moods.list({ includeDeleted: true })), []);
  assert.deepEqual((await leader.evaluate(() => seen)).at(-1), { type: "signed_out", wiped: true });
});
