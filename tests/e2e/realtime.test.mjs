// What another device wrote arrives by a poke, without the timer; the stream is the leader's alone, and is opened again.
import assert from "node:assert/strict";
import { bareAnswer, openBare } from "./bare-page.mjs";
import { openProfile } from "./browser.mjs";
import { scenario } from "./world.mjs";
import file from "../../www/entities.json" with { type: "json" };

const ENTITY = "workout-logs";
const ENTITIES = { [ENTITY]: { ...file.entities[ENTITY], references: {} } };
const EVENTS = "/api/v1/events";
/** The timer plays no part. */
const NEVER_MS = 86_400_000;

/** `open()` is a tab that syncs; `arrives(page, exercise)` waits until another device's log is in its database. */
function realtime(name, body) {
  scenario(name, async (world) => {
    const front = await world.proxy();
    front.answer = bareAnswer;
    const profile = await openProfile();
    try {
      const open = async (options = { realtime: true, intervalMs: NEVER_MS }) => {
        const page = await openBare(profile.context, front.url);
        await page.evaluate(async ([entities, key, options]) => {
          globalThis.asked = [];
          const token = ({ refresh }) => {
            asked.push(refresh);
            return key;
          };
          globalThis.sync = await createSync({ database: "app", entities, backend: { url: "/" }, token, ...options });
          globalThis.logs = sync.entities["workout-logs"];
          globalThis.until = (test) => new Promise((resolve) => {
            const look = () => test(sync.getSnapshot()) && (stop(), resolve(sync.getSnapshot()));
            const stop = sync.subscribe(look);
            look();
          });
          globalThis.arrived = (exercise) => new Promise((resolve) => {
            const look = async () => (await logs.list()).some((log) => log.exercise === exercise) && (stop(), resolve());
            const stop = sync.on("change", look);
            void look();
          });
        }, [ENTITIES, world.server.key, options]);
        return page;
      };
      const elsewhere = (exercise) => {
        const now = Date.now();
        const times = { clientCreatedAt: now, clientUpdatedAt: now, isDeleted: false };
        return world.server.push(ENTITY, [{ id: crypto.randomUUID(), ...times, exercise, performedAt: now, sets: [{ reps: 5, weight: 140 }] }]);
      };
      const streams = (seen = front.seen) => seen.filter(({ url }) => url === EVENTS).length;
      const opened = (count) => front.until((seen) => streams(seen) === count);
      await body({ ...world, front, open, elsewhere, streams, opened });
    } finally {
      await profile.close();
    }
  });
}

realtime("an edit of another device arrives without the timer, in every tab, by one stream", async ({ front, open, elsewhere, streams, opened }) => {
  const named = [];
  front.answer = (request) => {
    if (request.path === EVENTS) named.push(request.headers["x-device-id"]);
    return bareAnswer(request);
  };
  const leader = await open();
  await opened(1);
  // So a revoked replica is refused, and a push does not poke the replica that made it.
  const device = await leader.evaluate(() => sync.deviceId());
  await leader.evaluate(() => until((status) => status.lastSyncAt && status.state === "idle"));
  const follower = await open();
  await elsewhere("Squat");
  await leader.evaluate(() => arrived("Squat"));
  await follower.evaluate(() => arrived("Squat"));
  assert.equal(streams(), 1);
  await leader.close();
  await opened(2);
  await elsewhere("Bench");
  await follower.evaluate(() => arrived("Bench"));
  assert.equal(streams(), 2);
  assert.deepEqual(named, [device, device]);
});

realtime("a stream that was cut is opened again, and what it missed arrives", async ({ server, front, open, elsewhere }) => {
  const page = await open();
  await elsewhere("before");
  await page.evaluate(() => arrived("before"));
  const isOpened = new Promise((resolve) => {
    front.answer = (request) => {
      if (request.path === EVENTS) resolve();
      return bareAnswer(request);
    };
  });
  await server.stop();
  await server.start();
  await elsewhere("while away");
  await isOpened;
  await page.evaluate(() => arrived("while away"));
  await elsewhere("after");
  await page.evaluate(() => arrived("after"));
});

realtime("a backend without a stream is asked for it once, and the timer goes on", async ({ front, open, elsewhere, streams, opened }) => {
  front.answer = (request) => (request.path === EVENTS ? { status: 404, body: {} } : bareAnswer(request));
  const page = await open({ realtime: true, intervalMs: 1_000 });
  await opened(1);
  for (const exercise of ["Squat", "Bench"]) {
    await elsewhere(exercise);
    await page.evaluate((exercise) => arrived(exercise), exercise);
  }
  assert.equal(streams(), 1);
});

realtime("a stream whose token is refused asks for another, once", async ({ front, open, elsewhere, streams, opened }) => {
  front.answer = (request) => (request.path === EVENTS && streams() === 1 ? { status: 401, body: {} } : bareAnswer(request));
  const page = await open();
  await opened(2);
  await elsewhere("Squat");
  await page.evaluate(() => arrived("Squat"));
  assert.equal(streams(), 2);
  assert.deepEqual(await page.evaluate(() => asked.filter((refresh) => refresh)), [true]);
});

realtime("the timer is slow while no page is visible, and rests when signed out", async ({ open }) => {
  const page = await open({ intervalMs: 30_000 });
  const show = (hidden) => page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  const wait = () => page.evaluate(async () => {
    await sync.syncNow();
    const { nextTryAt, lastSyncAt } = await sync.status();
    return nextTryAt - lastSyncAt;
  });
  assert.ok((await wait()) <= 31_000);
  await show(true);
  assert.ok((await wait()) > 200_000);
  await show(false);
  assert.ok((await wait()) <= 31_000);
  await page.evaluate(() => sync.signOut({ wipe: false }));
  const { state, nextTryAt } = await page.evaluate(() => until((status) => status.state === "stopped"));
  assert.deepEqual([state, nextTryAt], ["stopped", null]);
});

realtime("whether the backend can be reached is found by asking it, whatever the browser says", async ({ server, open }) => {
  const page = await open({ intervalMs: 1_000 });
  await page.evaluate(() => until((status) => status.reachable === true));
  await server.stop();
  await page.evaluate(() => until((status) => status.reachable === false));
  assert.equal(await page.evaluate(() => navigator.onLine), true);
  await server.start();
  await page.evaluate(() => until((status) => status.reachable === true && status.state === "idle"));
});
