// A worker of the app's own: with the app's own wasm, whose records are its Rust types, and with functions as the backend.
import assert from "node:assert/strict";
import { access, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../docs/blocks.mjs";
import { bareAnswer, openBare } from "./bare-page.mjs";
import { openProfile } from "./browser.mjs";
import { startProxy } from "./proxy.mjs";
import { startServer } from "./server.mjs";

const TEST_MAX_MS = 120_000;
/** The entities of examples/typed; the server knows their names alone, so that only the app's types refuse anything. */
const JOURNAL = { activities: {}, "mood-entries": {}, "assessment-entries": {}, schedules: {} };
/** Where the wasm of examples/typed is built to. */
const TYPED = join(ROOT, "target/typed");
const SCRIPT = { "content-type": "text/javascript" };

test("a Rust app's own wasm in its own worker: its types refuse what is not of them, both ways", { timeout: TEST_MAX_MS }, async () => {
  await access(join(TYPED, "typed.js")).catch(() => assert.fail("the wasm of examples/typed is not built: run `cargo xtask test build` first"));
  const folder = await mkdtemp(join(tmpdir(), "lastword-typed-"));
  const entities = join(folder, "entities.json");
  await writeFile(entities, JSON.stringify({ entities: JOURNAL }));
  const server = await startServer({ entities });
  try {
    const worker = `
      import init, { openCore } from "/typed/typed.js";
      import { serve } from "/lastword/serve.js";
      serve(async (options, host) => { await init(); return openCore(options, host); });`;
    await onPage(worker, server.url, async (page) => {
      const seen = await page.evaluate(async ({ token, entities }) => {
        const worker = () => new Worker("/own-worker.js", { type: "module" });
        globalThis.sync = await createSync({ database: "journal", entities, backend: { url: "/" }, token, autoStart: false, worker });
        const { activities, "mood-entries": moods } = sync.entities;
        const { id: activity_id } = await activities.put({ name: "Running" });
        const mood = { felt_at: "2026-05-01T08:00:00.000Z", activity_id };
        await moods.put({ ...mood, mood: 8 });
        const refused = await attempt(() => moods.put({ ...mood, mood: 300 }));
        const { pushed } = await sync.syncNow();
        return { mood, refused, pushed };
      }, { token: server.key, entities: JOURNAL });
      assert.equal(seen.refused.code, "invalid");
      assert.match(JSON.stringify(seen.refused.details), /300.*u8/);
      assert.equal(seen.pushed, 2);
      assert.equal((await server.records("activities")).get(seen.mood.activity_id).name, "Running");

      const now = Date.now();
      const sync = { clientCreatedAt: now, clientUpdatedAt: now, isDeleted: false };
      const results = await server.push("mood-entries", [["good", 4], ["bad", "four"]].map(([id, mood]) => ({ id, ...sync, ...seen.mood, mood })));
      assert.deepEqual(results.map(({ status }) => status), ["applied", "applied"]);
      const pulled = await page.evaluate(async () => {
        await sync.syncNow();
        return { moods: (await sync.entities["mood-entries"].list()).map(({ mood }) => mood).sort(), quarantined: (await sync.status()).quarantined };
      });
      assert.deepEqual(pulled, { moods: [4, 8], quarantined: 1 });
      await page.evaluate(() => sync.destroy());
    });
  } finally {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
});

test("functions of the app are a backend in its own worker, too", { timeout: TEST_MAX_MS }, async () => {
  const worker = `
    import { openCore, serve } from "/lastword/serve.js";
    const rows = new Map([["far", { id: "far", clientUpdatedAt: 5, isDeleted: false, text: "from elsewhere" }]]);
    serve(openCore, {
      pull: (entity, cursor) => ({ records: [...rows.values()], cursor: String(rows.size), hasMore: false }),
      push(entity, { records }) {
        for (const record of records) rows.set(record.id, record);
        return { results: records.map(({ id }) => ({ id, status: "applied" })) };
      },
    });`;
  await onPage(worker, undefined, async (page) => {
    const seen = await page.evaluate(async () => {
      const options = { database: "own", entities: { notes: {} }, backend: { style: "custom" }, autoStart: false };
      const refused = await attempt(() => createSync(options));
      const sync = await createSync({ ...options, worker: () => new Worker("/own-worker.js", { type: "module" }) });
      await sync.entities.notes.put({ text: "from the page" });
      const { pushed, pulled } = await sync.syncNow();
      const texts = (await sync.entities.notes.list()).map(({ text }) => text).sort();
      const pending = (await sync.pending()).length;
      await sync.destroy();
      return { refused, pushed, pulled: pulled > 0, texts, pending };
    });
    assert.equal(seen.refused.code, "config");
    const { refused: _refused, ...rest } = seen;
    assert.deepEqual(rest, { pushed: 1, pulled: true, texts: ["from elsewhere", "from the page"], pending: 0 });
  });
});

/** Opens a bare page whose origin serves `worker` as `/own-worker.js`, the Rust app's wasm, and the backend behind it. */
async function onPage(worker, backend, body) {
  const front = await startProxy(() => backend ?? front.url);
  front.answer = async (request) => {
    if (request.path === "/own-worker.js") return { headers: SCRIPT, body: worker };
    if (request.path.startsWith("/typed/")) {
      const file = await readFile(join(TYPED, request.path.slice("/typed/".length)));
      return { headers: request.path.endsWith(".wasm") ? { "content-type": "application/wasm" } : SCRIPT, body: file };
    }
    return (await bareAnswer(request)) ?? (backend ? undefined : { status: 404 });
  };
  const profile = await openProfile();
  try {
    await body(await openBare(profile.context, front.url));
  } finally {
    await profile.close();
    await front.close();
  }
}
