// What begins a round besides the timer, which is set to never here: start, network, visibility, focus, a wake, an edit.
import assert from "node:assert/strict";
import { bare } from "./bare.mjs";

const ENTITY = "workout-logs";
const NEVER = { intervalMs: 86_400_000 };

/** Another device's log, which nothing tells this one of. */
function elsewhere(server, exercise) {
  const now = Date.now();
  const times = { clientCreatedAt: now, clientUpdatedAt: now, isDeleted: false };
  return server.push(ENTITY, [{ id: crypto.randomUUID(), ...times, exercise, performedAt: now, sets: [{ reps: 5, weight: 140 }] }]);
}

/** Resolves when the first round is done, and nothing is due. */
const idle = (page) => page.evaluate(() => new Promise((resolve) => {
  const look = () => { const { state, lastSyncAt } = sync.getSnapshot(); if (state === "idle" && lastSyncAt) stop(), resolve(); };
  const stop = sync.subscribe(look);
  look();
}));

/** Resolves when another device's log is here; `cause` is what the page meets meanwhile. */
const arrives = (page, exercise, cause) => page.evaluate(([exercise, [target, type] = []]) => new Promise((resolve) => {
  const look = async () => (await logs.list()).some((log) => log.exercise === exercise) && (stop(), resolve());
  const stop = sync.on("change", look);
  void look();
  if (type) globalThis[target].dispatchEvent(type === "pageshow" ? new PageTransitionEvent(type, { persisted: true }) : new Event(type));
}), [exercise, cause]);

bare("a round begins on start, on becoming visible, on focus, on a network, and after a sleep", async ({ server, page }) => {
  await idle(page);
  for (const cause of [["window", "online"], ["window", "focus"], ["document", "visibilitychange"], ["document", "resume"], ["window", "pageshow"]]) {
    const [, type] = cause;
    // As after a sleep, in which the browser froze the page.
    if (type === "resume" || type === "pageshow") {
      await page.evaluate(() => new Promise((resolve) => {
        const look = () => sync.getSnapshot().state === "stopped" && (stop(), resolve());
        const stop = sync.subscribe(look);
        document.dispatchEvent(new Event("freeze"));
        look();
      }));
    }
    await elsewhere(server, type);
    await arrives(page, type, cause);
    await idle(page);
  }
}, NEVER);

bare("a network that was gone is asked for again when it is back, and an edit goes out by itself", async ({ server, page }) => {
  await idle(page);
  await page.evaluate(() => logs.put({ ...log, exercise: "online" }).then(({ id }) => logs.whenSynced(id)));
  await page.context().setOffline(true);
  await page.evaluate(() => new Promise((resolve) => {
    const look = () => { const { state, pending } = sync.getSnapshot(); if (state === "offline" && pending === 1) stop(), resolve(); };
    const stop = sync.subscribe(look);
    void logs.put({ ...log, exercise: "offline" });
  }));
  await elsewhere(server, "meanwhile");
  const back = arrives(page, "meanwhile");
  await page.context().setOffline(false);
  await back;
  await page.evaluate(async () => { for (const { id } of await logs.list()) await logs.whenSynced(id); });
  const exercises = [...(await server.records(ENTITY)).values()].map(({ exercise }) => exercise).sort();
  assert.deepEqual(exercises, ["meanwhile", "offline", "online"]);
}, NEVER);

/** The network as it looks to the page and its worker: the first is slow. */
const SLOW = { offline: false, latency: 2_000, downloadThroughput: 6_000, uploadThroughput: 6_000, connectionType: "cellular2g" };
const FAST = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 };

bare("the timer is set to 30 s, and to ten times that on a network that is slow itself", async ({ page }) => {
  const protocol = await page.context().newCDPSession(page);
  await protocol.send("Network.enable");
  /** Rounds until the next one is this far off: the browser tells the worker of its network when it likes. */
  const rounds = (seconds) => page.evaluate(async (seconds) => {
    let status;
    do {
      await sync.syncNow();
      status = await sync.status();
    } while (Math.round((status.nextTryAt - status.lastSyncAt) / 1_000) !== seconds);
  }, seconds);
  await rounds(30);
  for (const [network, seconds] of [[SLOW, 300], [FAST, 30]]) {
    await protocol.send("Network.emulateNetworkConditions", network);
    await rounds(seconds);
  }
});

bare("on a network that is slow itself the stream of pokes is closed, and opened again after", async ({ front, page }) => {
  const isStream = (url) => url.endsWith("/api/v1/events");
  const streams = (seen) => seen.filter(({ url }) => isStream(url)).length;
  const protocol = await page.context().newCDPSession(page);
  await protocol.send("Network.enable");
  await front.until((seen) => streams(seen) === 1);
  let isClosed = false;
  page.on("requestfailed", (request) => { isClosed ||= isStream(request.url()); });
  await protocol.send("Network.emulateNetworkConditions", SLOW);
  while (!isClosed) await page.evaluate(() => sync.syncNow());
  assert.equal(streams(front.seen), 1);
  await protocol.send("Network.emulateNetworkConditions", FAST);
  while (streams(front.seen) === 1) await page.evaluate(() => sync.syncNow());
}, { ...NEVER, realtime: true });
