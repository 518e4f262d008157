import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { Status, Sync, SyncEvent } from "lastword";
import { raise } from "./page.js";
import { FakeWorker, type Script } from "./fake-worker.js";

const { createSync, LastwordError } = await import("../client.js");

const status: Status = {
  state: "idle", leader: true, reachable: true, pending: 0, failed: 0, conflicts: 0, quarantined: 0, lastSyncAt: null, nextTryAt: null,
  error: null, progress: null, entities: {},
};
const entities = { "workout-logs": {} } as const;
let open: Sync<typeof entities> | undefined;

/** Opens a sync over a fake worker; `calls` are answered by name, all others with nothing. */
async function start(calls: Record<string, (...args: never[]) => unknown> = {}, more: object = {}, script: Partial<Script> = {}) {
  const seen: [string, ...unknown[]][] = [];
  const sync = await createSync({
    database: "test", entities, backend: { url: "/sync" }, ...more,
    worker: () => new FakeWorker({
      ...script,
      call: (name, args) => {
        seen.push([name, ...args]);
        return calls[name]?.(...(args as never[])) ?? (name === "status" ? status : undefined);
      },
    }) as unknown as Worker,
  });
  open = sync;
  const worker = FakeWorker.made.at(-1);
  assert.ok(worker);
  return { sync, worker, seen };
}

/** Resolves with the next event of a type. */
function next<Type extends SyncEvent["type"]>(sync: Sync<typeof entities>, type: Type): Promise<SyncEvent> {
  return new Promise((resolve) => {
    const stop = sync.on(type, (event) => {
      stop();
      resolve(event as SyncEvent);
    });
  });
}

afterEach(async () => {
  await open?.destroy();
  open = undefined;
  for (const worker of FakeWorker.made.splice(0)) worker.terminate();
});

test("opens the worker with what can be cloned, the URL made absolute, and starts", async () => {
  const { worker, seen } = await start({}, { token: () => "secret" });
  assert.deepEqual(worker.config, { database: "test", entities, backend: { url: "https://app.example/sync" } });
  assert.deepEqual(seen.map(([name]) => name), ["start", "status"]);
});

test("autoStart false starts nothing", async () => {
  const { seen } = await start({}, { autoStart: false });
  assert.deepEqual(seen.map(([name]) => name), ["status"]);
});

test("an entity handle passes its name and arguments on", async () => {
  const { sync, seen } = await start({ put: (_entity, record: object) => ({ id: "1", ...record }) });
  assert.deepEqual(await sync.entities["workout-logs"].put({ exercise: "squat" }), { id: "1", exercise: "squat" });
  assert.deepEqual(seen.at(-1), ["put", "workout-logs", { exercise: "squat" }]);
});

test("an error of the core is a LastwordError on the page with all its fields", async () => {
  const { sync } = await start({
    syncNow: () => { throw Object.assign(new Error("slow down"), { code: "backend", retryable: true, retryAfterMs: 2000, details: { status: 429 } }); },
  });
  await assert.rejects(sync.syncNow(), (error) => {
    assert.ok(error instanceof LastwordError && error instanceof Error);
    assert.deepEqual([error.code, error.message, error.retryable, error.retryAfterMs, error.details], ["backend", "slow down", true, 2000, { status: 429 }]);
    return true;
  });
});

test("a wrong option is one clear error and starts no worker", async () => {
  const before = FakeWorker.made.length;
  for (const [options, message] of [
    [{ backend: { url: "/" }, database: "" }, /`database`/],
    [{ backend: {}, database: "x" }, /`backend.url`/],
    [{ backend: { url: "http://" }, database: "x" }, /not a URL/],
    [{ backend: { url: "/" }, database: "x", conflict: "manual" }, /no option `conflict`/],
  ] as const) {
    await assert.rejects(createSync({ entities, ...options } as never), { code: "config", message });
  }
  assert.equal(FakeWorker.made.length, before);
});

test("a core that refuses to open rejects with its error and leaves no worker", async () => {
  await assert.rejects(
    start({}, {}, { open: () => { throw Object.assign(new Error("no"), { code: "account_mismatch" }); } }),
    { code: "account_mismatch" },
  );
  assert.equal(FakeWorker.made.at(-1)?.terminated, true);
});

test("a worker script that cannot be loaded is worker_failed", async () => {
  const opening = start({}, {}, { open: () => new Promise(() => {}) });
  FakeWorker.made.at(-1)?.dispatchEvent(new Event("error"));
  await assert.rejects(opening, { code: "worker_failed", retryable: false });
});

test("the token source is asked, with refresh after a refusal", async () => {
  const asked: boolean[] = [];
  const { worker, sync } = await start({}, { token: ({ refresh }: { refresh: boolean }) => { asked.push(refresh); return refresh ? "new" : "old"; } });
  assert.equal(await worker.host?.token(false), "old");
  assert.equal(await worker.host?.token(true), "new");
  assert.deepEqual(asked, [false, true]);
  await sync.configure({ token: "fixed" });
  assert.equal(await worker.host?.token(false), "fixed");
});

test("signing out forgets the token", async () => {
  const { worker, sync } = await start({ signOut: () => ({ unsent: 3 }) }, { token: "secret" });
  assert.deepEqual(await sync.signOut({ wipe: false }), { unsent: 3 });
  assert.equal(await worker.host?.token(false), undefined);
});

test("events reach their listeners, and the snapshot follows the status", async () => {
  const { worker, sync } = await start();
  const before = sync.getSnapshot();
  assert.equal(sync.getSnapshot(), before);
  let told = 0;
  const stop = sync.subscribe(() => told++);
  const heard = next(sync, "status");
  await worker.emit({ type: "status", status: { ...status, pending: 2 } });
  await heard;
  assert.equal(sync.getSnapshot().pending, 2);
  assert.equal(told, 1);
  stop();
  await worker.emit({ type: "status", status });
  assert.equal(told, 1);
});

test("triggers of the page are forwarded, and not after destroy", async () => {
  const { sync, seen } = await start();
  raise("online");
  raise("focus");
  await sync.stats();
  assert.deepEqual(seen.slice(2, 4), [["trigger", "online"], ["trigger", "focus"]]);
  await sync.destroy();
  const count = seen.length;
  raise("online");
  assert.equal(seen.length, count);
  await assert.rejects(sync.stats(), { code: "destroyed" });
});

test("a dead worker is replaced, its waiting calls fail retryable, later calls go to the new one", async () => {
  let hang = true;
  const { sync, worker, seen } = await start({ stats: () => (hang ? new Promise(() => {}) : { alive: true }) });
  const waiting = sync.stats();
  const failed = assert.rejects(waiting, { code: "worker_died", retryable: true });
  const replaced = next(sync, "worker_replaced");
  await worker.host?.died({ code: "worker_died", message: "trap", retryable: true });
  await failed;
  await replaced;
  hang = false;
  assert.deepEqual(await sync.stats(), { alive: true });
  assert.equal(worker.terminated, true);
  assert.equal(FakeWorker.made.length, 2);
  assert.deepEqual(FakeWorker.made[1]?.config, worker.config);
  assert.equal(seen.filter(([name]) => name === "start").length, 2);
});

test("a worker that keeps dying is given up, and the status says so", async () => {
  const { sync } = await start();
  for (let death = 0; death < 5; death++) {
    const replaced = next(sync, "worker_replaced");
    void FakeWorker.made.at(-1)?.host?.died({ code: "worker_died", message: "trap", retryable: true });
    await replaced;
  }
  const told = next(sync, "status");
  const quiet = new Promise<void>((resolve) => {
    const stop = sync.on("status", ({ status: { state } }) => state === "failed" && (stop(), resolve()));
  });
  void FakeWorker.made.at(-1)?.host?.died({ code: "worker_died", message: "trap", retryable: true });
  await told;
  await quiet;
  assert.equal(sync.getSnapshot().error?.code, "worker_failed");
  await assert.rejects(sync.stats(), { code: "worker_failed" });
});

test("whenSynced waits for the record, and rejects when it was refused", async () => {
  let state = "pending";
  const { worker, sync } = await start({ statusOf: () => ({ state, attempts: 0, lastAttemptAt: null, error: state === "failed_permanently" ? { code: "invalid", message: "bad" } : null }) });
  const logs = sync.entities["workout-logs"];
  let settled = false;
  const waiting = logs.whenSynced("1").then(() => { settled = true; });
  await logs.statusOf("1");
  assert.equal(settled, false);
  state = "synced";
  await worker.emit({ type: "status", status });
  await waiting;
  state = "failed_permanently";
  await assert.rejects(logs.whenSynced("1"), { code: "invalid" });
});
