// The package in an app's own service worker: edits go out with every page closed, and a worker that is stopped loses nothing.
import assert from "node:assert/strict";
import { bareAnswer, openBare } from "./bare-page.mjs";
import { openProfile } from "./browser.mjs";
import { serviceWorker } from "./service-worker.mjs";
import { scenario } from "./world.mjs";
import file from "../../www/entities.json" with { type: "json" };

const ENTITY = "workout-logs";
const ENTITIES = { [ENTITY]: { ...file.entities[ENTITY], references: {} } };

/** The app's own worker. Its options are the page's; the token is found in the app's own cache. */
const SCRIPT = `
  import { syncInBackground } from "/lastword/service-worker.js";
  addEventListener("install", () => skipWaiting());
  addEventListener("activate", (event) => event.waitUntil(clients.claim()));
  // Tells the test how an event ended, as no page may be open to see it.
  const { waitUntil } = ExtendableEvent.prototype;
  SyncEvent.prototype.waitUntil = PeriodicSyncEvent.prototype.waitUntil = function (until) {
    const told = until.then(() => "done", (error) => error.code ?? String(error)).then((end) => fetch("/ended?" + end));
    waitUntil.call(this, Promise.all([until, told]));
  };
  syncInBackground(async () => {
    const kept = await caches.match("/token");
    return kept && { database: "app", entities: ${JSON.stringify(ENTITIES)}, backend: { url: "/" }, token: await kept.text() };
  });
`;

/** A page of an app with that worker, signed in, and one log stored while the server process is stopped. */
function background(name, body) {
  scenario(name, async (world) => {
    const front = await world.proxy();
    const script = { headers: { "content-type": "text/javascript" }, body: SCRIPT };
    const ends = [];
    const usual = (request) => {
      if (request.path === "/service-worker.js") return script;
      if (request.path !== "/ended") return bareAnswer(request);
      ends.shift()?.(new URL(request.url, front.url).search.slice(1));
      return { status: 204 };
    };
    front.answer = usual;
    const profile = await openProfile();
    try {
      const open = async () => {
        const page = await openBare(profile.context, front.url);
        await page.evaluate(async ([entities, token]) => {
          const { requestBackgroundSync } = await import("/lastword/background.js");
          await navigator.serviceWorker.register("/service-worker.js", { type: "module" });
          await navigator.serviceWorker.ready;
          await (await caches.open("own")).put("/token", new Response(token));
          globalThis.sync = await createSync({ database: "app", entities, backend: { url: "/" }, token });
          globalThis.logs = sync.entities["workout-logs"];
          globalThis.requestBackgroundSync = requestBackgroundSync;
          globalThis.until = (test) => new Promise((resolve) => {
            const look = () => test(sync.getSnapshot()) && (stop(), resolve(sync.getSnapshot()));
            const stop = sync.subscribe(look);
            look();
          });
        }, [ENTITIES, world.server.key]);
        return page;
      };
      const page = await open();
      await page.evaluate(() => sync.syncNow());
      const worker = await serviceWorker(await profile.context.newPage(), front.url);
      /** Fires the sync event, or the periodic one; tells how it ended. */
      const fire = (kind = "sync") => new Promise((resolve, reject) => {
        ends.push(resolve);
        worker[kind]().catch(reject);
      });
      const write = (exercise) => page.evaluate((exercise) => logs.put({ exercise, performedAt: 1, sets: [{ reps: 5, weight: 100 }] }), exercise);
      await body({ ...world, front, usual, page, open, worker, fire, write });
    } finally {
      await profile.close();
    }
  });
}

const exercises = async (server) => [...(await server.records(ENTITY)).values()].map(({ exercise }) => exercise).sort();

background("G7: an edit made without a network goes out by the sync event, with every page closed", async ({ server, page, fire, write }) => {
  await server.stop();
  await write("Squat");
  await page.evaluate(() => until((status) => status.state === "offline" && status.pending === 1));
  await page.close();
  await server.start();
  assert.equal(await fire(), "done");
  assert.deepEqual(await exercises(server), ["Squat"]);
});

background("an event for a page that is open is done by the tab that leads", async ({ server, page, front, fire, write }) => {
  await page.evaluate(() => sync.configure({ debounceMs: 86_400_000 }));
  await page.evaluate(() => sync.syncNow());
  await write("Squat");
  front.seen.length = 0;
  assert.equal(await fire(), "done");
  assert.deepEqual(await exercises(server), ["Squat"]);
  assert.equal(await page.evaluate(async () => (await sync.status()).pending), 0);
  assert.equal(front.seen.filter(({ method }) => method === "POST").length, 1);
});

background("a worker that is stopped before its push is answered loses nothing and stores nothing twice", async ({ server, front, usual, page, open, worker, fire, write }) => {
  await server.stop();
  await write("Squat");
  await page.evaluate(() => until((status) => status.state === "offline"));
  await page.close();
  await server.start();
  const pushes = [];
  const cut = new Promise((resolve) => {
    front.answer = async (request) => {
      if (request.method !== "POST") return usual(request);
      pushes.push(request);
      if (pushes.length > 1) return usual(request);
      // The server stores it; the worker never hears of it.
      const answer = await fetch(new URL(request.url, server.url), { method: "POST", headers: request.headers, body: request.body });
      resolve(answer.status);
      return new Promise(() => {});
    };
  });
  void fire();
  assert.equal(await cut, 200);
  await worker.stop();
  const after = await open();
  await after.evaluate(() => until((status) => status.pending === 0 && status.state === "idle" && status.lastSyncAt));
  assert.deepEqual(pushes.map(({ headers }) => headers["idempotency-key"]), Array(2).fill(pushes[0].headers["idempotency-key"]));
  assert.deepEqual(pushes[1].body, pushes[0].body);
  assert.deepEqual([...(await server.records(ENTITY)).values()].map(({ exercise, version }) => [exercise, version]), [["Squat", 1]]);
});

background("signed out, an event does nothing; where no event ever comes, the next start sends what waits", async ({ server, front, page, open, fire, write }) => {
  await server.stop();
  await write("Squat");
  await page.evaluate(() => until((status) => status.state === "offline"));
  await page.evaluate(() => caches.delete("own"));
  await page.close();
  await server.start();
  front.seen.length = 0;
  assert.equal(await fire(), "done");
  assert.deepEqual(front.seen.filter(({ url }) => url.startsWith("/api/")), []);
  const after = await open();
  await after.evaluate(() => until((status) => status.pending === 0 && status.state === "idle" && status.lastSyncAt));
  assert.deepEqual(await exercises(server), ["Squat"]);
});

background("edits that cannot go out have the page ask the browser for the event", async ({ front, usual, page, write }) => {
  front.answer = (request) => (request.url.startsWith("/api/") ? { status: 503, body: {} } : usual(request));
  await page.evaluate(() => requestBackgroundSync(sync));
  const isAsked = async () => (await (await navigator.serviceWorker.ready).sync.getTags()).includes("lastword");
  assert.equal(await page.evaluate(isAsked), false);
  await write("Squat");
  // It stays asked for: no event can succeed here.
  await page.waitForFunction(isAsked);
});

background("where it is permitted the page asks for Periodic Sync, whose event does a round with every page closed", async ({ server, front, page, open, fire }) => {
  const protocol = await page.context().newCDPSession(page);
  await protocol.send("Browser.setPermission", { permission: { name: "periodic-background-sync" }, setting: "granted", origin: new URL(page.url()).origin });
  await page.evaluate(() => requestBackgroundSync(sync, { periodicMs: 43_200_000 }));
  await page.waitForFunction(async () => (await (await navigator.serviceWorker.ready).periodicSync.getTags()).includes("lastword"));
  await page.close();
  const now = Date.now();
  await server.push(ENTITY, [{ id: "far", clientCreatedAt: now, clientUpdatedAt: now, isDeleted: false, exercise: "Squat", performedAt: now, sets: [{ reps: 5, weight: 140 }] }]);
  assert.equal(await fire("periodicSync"), "done");
  // What is here now came by the event.
  front.answer = (request) => (request.path.startsWith("/api/") ? { status: 503, body: {} } : bareAnswer(request));
  const after = await open();
  assert.deepEqual(await after.evaluate(async () => (await logs.list()).map(({ exercise }) => exercise)), ["Squat"]);
});
