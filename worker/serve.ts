/**
 * The worker's side: opens a core and answers the page. Holds no rules: each call goes to the core as it is. Never
 * chooses the wasm: `sync-worker.ts` does, or a worker of the app's own.
 */

import { expose, type Remote } from "comlink";
import init, { SyncCore } from "./lastword.js";
import type { CustomBackend, HttpBackend, Status } from "lastword";
import { Attention } from "./attention.js";
import { CORE_CALLS, coreCalls, type CoreCalls, type CoreConfig, type CoreHost, type OpenConfig, type RawCore, type Trigger } from "./core.js";
import { exchange } from "./custom.js";
import { LastwordError, toPlain } from "./errors.js";
import { Pokes } from "./pokes.js";
import { Tabs } from "./tabs.js";
import { installErrorHandler, type HostApi, type WorkerApi } from "./messages.js";

/** Opens a core: `SyncCore.open`, or the `openCore` of an app's own wasm. */
export type OpenCore = (config: CoreConfig, host: CoreHost) => Promise<RawCore>;

/** Opens the core of the package's own wasm. */
export const openCore: OpenCore = async (config, host) => {
  await load();
  return SyncCore.open(config, host);
};

/** Loads that wasm, once. A worker that will need it need not wait until it is asked to open. */
export function load(): Promise<unknown> {
  loading ??= init({ module_or_path: new URL("./lastword_bg.wasm", import.meta.url) });
  return loading;
}

let loading: Promise<unknown> | undefined;

/** Answers the page from now on. `backend` takes the place of the page's `pull` and `push`. */
export function serve(open: OpenCore, backend?: Pick<CustomBackend, "pull" | "push">): void {
  opening = open;
  functions = backend;
  installErrorHandler();
  addEventListener("error", (event) => {
    if (isPoison(event.error)) poisoned(event.error);
  });
  addEventListener("unhandledrejection", (event) => {
    if (isPoison(event.reason)) poisoned(event.reason);
  });
  expose(api);
}

let opening: OpenCore;
let functions: Pick<CustomBackend, "pull" | "push"> | undefined;
let core: CoreCalls | undefined;
let tabs: Tabs | undefined;
let pokes: Pokes | undefined;
let host: Remote<HostApi> | undefined;
let dead = false;

const api: WorkerApi = {
  async open({ realtime, ...config }: OpenConfig, remote) {
    host = remote as unknown as Remote<HostApi>;
    const page = host;
    const attention = new Attention((isSlow) => void core?.trigger(isSlow ? "slow" : "brisk"));
    const others = new Tabs(config.database, (event) => void page.emit(event), (hint, tab) => attention.hinted(hint, tab));
    const token = (refresh: boolean) => page.token(refresh);
    const lock = holdLifeLock();
    const raw = await opening(config, {
      emit(event) {
        others.emit(event);
        if (event.type === "change") attention.stir();
        if (event.type === "status") follow(event.status, attention);
      },
      token,
      exchange: (request) => (functions ? exchange({ style: "custom", ...functions }, request) : page.exchange(request)),
    });
    const calls = coreCalls(raw);
    core = calls;
    others.join(calls);
    tabs = others;
    if (realtime) {
      pokes = new Pokes({
        path: realtime === true ? EVENTS : realtime,
        backend: config.backend as HttpBackend,
        token,
        deviceId: () => calls.deviceId(),
        poke: () => void core?.trigger("poke"),
        live: (is) => attention.live(is),
      });
    }
    return lock;
  },

  async call(name, ...args) {
    if (!core) throw new LastwordError({ code: "not_open", message: "open the worker before calling it" });
    if (!CORE_CALLS.has(name)) throw new LastwordError({ code: "config", message: `there is no call \`${String(name)}\`` });
    try {
      if (tabs && name === "syncNow") return (await tabs.syncNow(core)) as never;
      if (tabs && name === "status") return tabs.shown(await core.status()) as never;
      if (name === "destroy") leave();
      if (name === "signOut") tabs?.signedOut((args[0] as { wipe: boolean } | undefined)?.wipe === true);
      if (name === "signIn" || name === "configure") tabs?.tokenChanged();
      if (name === "trigger") hinted(args[0] as Trigger);
      const answer = await (core[name] as (...args: unknown[]) => never)(...args);
      if (name === "signIn" || name === "configure") pokes?.configure((args[0] as Partial<CoreConfig>).backend as HttpBackend | undefined);
      return answer;
    } catch (thrown) {
      if (isPoison(thrown)) poisoned(thrown);
      throw thrown;
    }
  },
};

/** Listens for pokes while this tab leads and may speak with the backend. */
function follow({ leader, state }: Status, attention: Attention): void {
  attention.look();
  pokes?.listen(leader && state !== "stopped" && state !== "auth_needed" && !attention.isSaving);
}

function hinted(hint: Trigger): void {
  tabs?.hint(hint);
  if (hint === "online") pokes?.hurry();
}

function leave(): void {
  pokes?.listen(false);
  tabs?.close();
}

/** A lock that the browser lets go when this worker ends, however it ends: the page waits for it. */
function holdLifeLock(): Promise<string | null> {
  if (!("locks" in navigator)) return Promise.resolve(null);
  const name = `lastword-worker:${crypto.randomUUID()}`;
  return new Promise((resolve) => {
    void navigator.locks.request(name, () => {
      resolve(name);
      return new Promise(() => {});
    });
  });
}

/** A trap leaves a wasm instance in an unknown state: nothing more may be asked of it. */
function isPoison(thrown: unknown): boolean {
  return thrown instanceof WebAssembly.RuntimeError;
}

function poisoned(thrown: unknown): void {
  if (dead) return;
  dead = true;
  const error = { ...toPlain(thrown), code: "worker_died", message: "the sync worker failed and is being replaced", retryable: true };
  void Promise.resolve(host?.died(error)).finally(() => self.close());
}

/** Where lastword-server has its stream. */
const EVENTS = "/api/v1/events";
