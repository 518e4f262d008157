// A backend of the app's own: mapped names and times over HTTP by time, functions of the app, one account after another.
import assert from "node:assert/strict";
import { openBare } from "./bare-page.mjs";
import { rowsOf } from "./browser.mjs";
import { MOODS, own as withBackend } from "./own-backend.mjs";

/** A test with an own backend and a bare page. */
function own(name, body) {
  withBackend(name, async (world) => {
    const page = await openBare(world.context, world.front.url);
    await body({ ...world, page });
    await page.evaluate(() => globalThis.sync?.destroy());
  });
}

/** Opens `sync` and `moods` on the page, quiet but for what the test asks. */
function open(page, options) {
  return page.evaluate(async ([MOODS, options]) => {
    globalThis.sync = await createSync({
      database: "moods", entities: { moods: MOODS }, backend: { url: "/", since: "time", pageRecords: 2 }, autoStart: false, ...options,
    });
    globalThis.moods = sync.entities.moods;
  }, [MOODS, options ?? {}]);
}

/** What the app finds in its own store, past lastword. */
function rows(page) {
  return page.evaluate(rowsOf, ["moods", "moods"]);
}

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

own("M2: created_at, updated_at and deleted_at in ISO 8601, in the rows and on the wire", async ({ page, backend }) => {
  await open(page);
  const stored = await page.evaluate(() => moods.put({ mood: 4 }));
  assert.match(stored.updated_at, ISO);
  assert.deepEqual([stored.created_at, stored.deleted_at], [stored.updated_at, null]);
  await page.evaluate(() => sync.syncNow());
  const { _synced, ...row } = (await rows(page))[0];
  const served = backend.rows.get(stored.id);
  assert.deepEqual(row, { ...stored, server_updated_at: served.server_updated_at });
  assert.deepEqual(Object.keys(served).sort(), ["created_at", "deleted_at", "id", "mood", "server_updated_at", "updated_at"]);

  await page.evaluate(async (id) => { await moods.delete(id); await sync.syncNow(); }, stored.id);
  const dead = backend.rows.get(stored.id);
  assert.equal(dead.deleted_at, dead.updated_at);
  assert.deepEqual([await page.evaluate(() => moods.list()), (await rows(page))[0].deleted_at], [[], dead.deleted_at]);

  const push = backend.requests.find(({ method }) => method === "POST");
  assert.deepEqual([push.path, push.query], ["/sync/moods", { tenant: "a b" }]);
});

own("a backend that knows only times is pulled page by page, and again from the overlap on", async ({ page, backend }) => {
  for (const id of ["a", "b", "c", "d", "e"]) {
    backend.store({ id, created_at: "2025-01-01T00:00:00Z", updated_at: "2025-01-01T00:00:00Z", deleted_at: null, mood: 1 });
  }
  const began = Date.now();
  await open(page);
  const first = await page.evaluate(async () => {
    await sync.syncNow();
    return (await moods.list()).map(({ id }) => id);
  });
  const tookMax = Date.now() - began;
  assert.deepEqual(first, ["a", "b", "c", "d", "e"]);
  const greatest = backend.rows.get("e").server_updated_at;
  backend.requests.length = 0;
  // Committed late: stamped before what was pulled already.
  backend.rows.set("late", { id: "late", updated_at: "2025-01-01T00:00:00Z", mood: 2, server_updated_at: new Date(Date.parse(greatest) - 20_000).toISOString() });
  const again = await page.evaluate(async () => {
    const changed = [];
    const stop = sync.on("change", ({ ids }) => changed.push(...ids));
    await sync.syncNow();
    stop();
    return { changed, late: (await moods.get("late"))?.mood };
  });
  // The overlap, and as long again as the pull before it took.
  const took = Date.parse(greatest) - 30_000 - Date.parse(backend.requests[0].query.since);
  assert.ok(took >= 0 && took <= tookMax, `${took} ms more than the overlap`);
  assert.deepEqual(again, { changed: ["late"], late: 2 }, "what was there already is not written again");
});

own("functions of the app are a backend: pages, pushes, conflicts, and errors that are tried again", async ({ page }) => {
  const seen = await page.evaluate(async () => {
    const rows = new Map([["far", { id: "far", clientUpdatedAt: 5, isDeleted: false, mood: 9 }]]);
    const calls = [];
    let down = true;
    const backend = {
      style: "custom",
      pull(entity, cursor, limit) {
        calls.push(["pull", entity, cursor, limit]);
        if (down) throw Object.assign(new Error("closed for today"), { status: 503, retryAfterMs: 7000 });
        return { records: [...rows.values()], cursor: "1", hasMore: false };
      },
      async push(entity, { records }, { idempotencyKey }) {
        calls.push(["push", entity, records.map(({ id }) => id), typeof idempotencyKey]);
        for (const record of records) rows.set(record.id, record);
        return { results: records.map(({ id }) => ({ id, status: "applied" })) };
      },
    };
    globalThis.sync = await createSync({ database: "custom", entities: { moods: {} }, backend, autoStart: false });
    const { id } = await sync.entities.moods.put({ mood: 3 });
    const refused = await attempt(() => sync.syncNow());
    down = false;
    const result = await sync.syncNow();
    await sync.syncNow();
    const restyled = await attempt(() => sync.configure({ backend: { url: "/" } }));
    return { id, refused, result, calls, list: await sync.entities.moods.list(), held: rows.get(id), restyled };
  });
  assert.deepEqual([seen.refused.code, seen.refused.retryable], ["backend", true]);
  assert.deepEqual(seen.calls, [
    ["pull", "moods", null, 1000], ["pull", "moods", null, 1000], ["push", "moods", [seen.id], "string"], ["pull", "moods", "1", 1000],
  ]);
  assert.deepEqual([seen.result.pushed, seen.held.mood, seen.list.length], [1, 3, 2]);
  assert.equal(seen.restyled.code, "config");
});

own("a custom backend without its functions, or times asked of one, is refused at start", async ({ page }) => {
  const answers = await page.evaluate(async () => {
    const open = (backend) => attempt(() => createSync({ database: "x", entities: { a: {} }, backend }));
    return {
      push: await open({ style: "custom", pull() {} }),
      url: await open({ style: "resource" }),
      time: await open({ url: "/", style: "changeset", since: "time" }),
      overlap: await open({ url: "/", since: "time", overlapMs: -1 }),
    };
  });
  for (const [name, answer] of Object.entries(answers)) assert.equal(answer.code, "config", `${name}: ${JSON.stringify(answer)}`);
});

own("after a sign-out with wipe another account can sign in and sync in the same page", async ({ page, backend }) => {
  await open(page, { account: "ada" });
  const left = await page.evaluate(async () => {
    await sync.start();
    await moods.put({ mood: 1 });
    await sync.syncNow();
    await sync.signOut({ wipe: true });
    return moods.list();
  });
  assert.deepEqual(left, []);
  backend.rows.clear();
  const second = await page.evaluate(async () => {
    await sync.signIn({ account: "bea" });
    await sync.start();
    await moods.put({ mood: 2 });
    const result = await sync.syncNow();
    const other = await attempt(() => sync.signIn({ account: "cyd" }));
    return { pushed: result.pushed, other: other.code, state: (await sync.status()).state };
  });
  assert.equal(second.other, "account_mismatch");
  assert.equal(second.state, "idle");
  assert.deepEqual([...backend.rows.values()].map(({ mood }) => mood), [2]);
});
