/** What the page imports: `createSync` and the error class. Holds no rules and no records: it sends messages to the worker. */

import type { BackendOptions, EntityMap, Sync, SyncOptions, TokenSource } from "lastword";
import { exchange } from "./custom.js";
import { Emitter, Snapshot } from "./emitter.js";
import { entityHandle } from "./entity.js";
import { LastwordError } from "./errors.js";
import { WorkerLink } from "./link.js";
import { installErrorHandler } from "./messages.js";
import { absolute, askToken, coreConfig } from "./options.js";
import { forwardTriggers } from "./triggers.js";

export { LastwordError };

installErrorHandler();

/** Opens the database in a worker and starts to sync. */
export async function createSync<const E extends EntityMap>(options: SyncOptions<E>): Promise<Sync<E>> {
  let config = coreConfig(options, document.baseURI);
  // The browser opens its storage at the first question: now, and not when the worker has come up.
  globalThis.indexedDB?.databases?.().catch(quiet);
  let token: TokenSource | undefined = options.token;
  let backend: BackendOptions = options.backend;
  let running = options.autoStart ?? true;
  const events = new Emitter();

  const link = new WorkerLink({
    startWorker: options.worker ?? startWorker,
    config: () => config,
    host: {
      emit: (event) => events.emit(event),
      token: (refresh) => askToken(token, refresh),
      exchange: (request) => exchange(backend, request),
    },
    replaced: (error) => {
      events.emit({ type: "worker_replaced", error });
      if (running) void call("start").catch(quiet);
      void call("status").then((status) => events.emit({ type: "status", status }), quiet);
    },
    gaveUp: ({ code, message, retryable }) => {
      events.emit({ type: "status", status: { ...snapshot.get(), state: "failed", error: { code, message, retryable } } });
    },
  });
  const { call } = link;
  await link.open();
  // The first round need not wait until the page knows how things stand. A worker that dies now fails the next call.
  if (running) void call("start").catch(quiet);
  const snapshot = new Snapshot(await call("status"));
  events.on("status", ({ status }) => {
    snapshot.set(status);
    if (status.progress) events.emit({ type: "progress", ...status.progress });
  });
  const signedOut = () => {
    running = false;
    token = undefined;
    const { account: _account, ...rest } = config;
    config = rest;
  };
  // In another tab: the core has stopped already.
  events.on("signed_out", signedOut);
  const stopTriggers = forwardTriggers((kind) => void call("trigger", kind).catch(quiet));

  const entities = Object.fromEntries(Object.keys(options.entities).map((name) => [name, entityHandle(name, link, events)]));
  return {
    entities: entities as unknown as Sync<E>["entities"],
    conflicts: {
      list: () => call("conflicts"),
      resolve: (entity, id, choice) => call("resolveConflict", entity, id, choice),
      async resolveAll(keep) {
        const conflicts = await call("conflicts");
        for (const { entity, id } of conflicts) await call("resolveConflict", entity, id, { keep });
        return conflicts.length;
      },
    },
    failures: {
      list: async () => (await call("failures")).map((failure) => ({ ...failure, help: `errors.md#failed-${failure.code}` })),
      retry: (entity, id) => call("retry", entity, id),
      retryAll: () => call("retryAll"),
      discard: (entity, id) => call("discard", entity, id),
      export: () => call("exportUnsynced"),
    },
    start() {
      running = true;
      return call("start");
    },
    stop() {
      running = false;
      return call("stop");
    },
    syncNow: () => call("syncNow"),
    status: () => call("status"),
    stats: () => call("stats"),
    deviceId: () => call("deviceId"),
    // Only a page may ask, and only where it was served securely.
    persist: async () => (await navigator.storage?.persist?.()) ?? false,
    pending: () => call("pending"),
    markAllDirty: () => call("markAllDirty"),
    edited: () => void call("trigger", "edit").catch(quiet),
    on: (type, listener) => events.on(type, listener),
    subscribe: snapshot.subscribe,
    getSnapshot: snapshot.get,
    async signIn({ account, token: source }) {
      if (source !== undefined) token = source;
      await call("signIn", { account });
      config = { ...config, account };
    },
    async signOut(how) {
      const unsent = await call("signOut", how);
      signedOut();
      return unsent;
    },
    async configure({ token: source, ...patch }) {
      // The backend goes along with a new token too: it makes the core ask for it.
      const next = { ...patch, backend: patch.backend ? absolute(patch.backend, document.baseURI, options.worker !== undefined) : config.backend };
      if (source !== undefined) token = source;
      await call("configure", next);
      if (patch.backend) backend = patch.backend;
      config = { ...config, ...next };
    },
    async destroy() {
      stopTriggers();
      running = false;
      await call("destroy").catch(quiet);
      await link.close(new LastwordError({ code: "destroyed", message: "this sync was destroyed: make a new one with createSync" }));
      // Whoever waits for a status hears of it.
      events.emit({ type: "status", status: { ...snapshot.get(), state: "stopped" } });
    },
  };
}

function startWorker(): Worker {
  // Bundlers look for exactly this form.
  return new Worker(new URL("./sync-worker.js", import.meta.url), { type: "module", name: "lastword" });
}

/** For calls whose failure is already told by an event. */
function quiet(): void {}
