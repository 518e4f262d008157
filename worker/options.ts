/** The options of `createSync`, checked as far as a page can and made fit to be cloned. The core checks the rest. */

import type { BackendOptions, EntityMap, SyncOptions, TokenSource } from "lastword";
import type { CoreConfig, OpenConfig } from "./core.js";
import { LastwordError } from "./errors.js";

/** Splits what stays on the page from what the core is opened with. */
export function coreConfig(options: SyncOptions<EntityMap>, base: string): OpenConfig {
  if (typeof options !== "object" || options === null) throw wrong("createSync takes an object of options");
  for (const name of Object.keys(options)) {
    if (!OPTIONS.has(name)) throw wrong(`there is no option \`${name}\`: the options are ${[...OPTIONS].join(", ")}`);
  }
  if (typeof options.database !== "string" || options.database === "") throw wrong("`database` must name the IndexedDB database");
  if (options.realtime && options.backend?.style === "custom") throw wrong("`realtime` needs a backend with a URL");
  const { token: _token, worker: _worker, autoStart: _autoStart, ...config } = options;
  return { ...config, backend: absolute(options.backend, base, options.worker !== undefined) };
}

/**
 * The backend fit to be cloned, its URL made absolute: a worker has another base than its page. Its functions may be in
 * a worker of the app's own.
 */
export function absolute(backend: BackendOptions, base: string, ownWorker: boolean): CoreConfig["backend"] {
  if (backend?.style === "custom") {
    const { pull, push, ...rest } = backend;
    const inWorker = ownWorker && pull === undefined && push === undefined;
    if (!inWorker && (typeof pull !== "function" || typeof push !== "function")) {
      throw wrong("a custom backend needs the functions `pull` and `push`, here or in a worker that is named by `worker`");
    }
    return rest;
  }
  if (typeof backend?.url !== "string") throw wrong("`backend.url` must be the base URL of the backend");
  if (!URL.canParse(backend.url, base)) throw wrong("`backend.url` is not a URL");
  return { ...backend, url: new URL(backend.url, base).href };
}

/** Asks a token source, whatever its form. Undefined where there is none: it need not be asked again. */
export async function askToken(source: TokenSource | undefined, refresh: boolean): Promise<string | null | undefined> {
  return typeof source === "function" ? ((await source({ refresh })) ?? null) : source;
}

function wrong(message: string): LastwordError {
  return new LastwordError({ code: "config", message });
}

const OPTIONS: ReadonlySet<string> = new Set([
  "database", "attached", "account", "entities", "backend", "token", "autoStart", "intervalMs", "debounceMs", "tries", "realtime", "worker",
] satisfies (keyof SyncOptions)[]);
