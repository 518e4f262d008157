/** One living worker for a page: calls that end, and a new worker when one dies. Never knows what a call means. */

import { proxy, wrap, type Remote } from "comlink";
import type { CoreCalls, OpenConfig } from "./core.js";
import { LastwordError } from "./errors.js";
import type { HostApi, WorkerApi } from "./messages.js";

/** What a link needs from its page. */
export interface LinkOptions {
  startWorker(): Worker;
  /** Asked again for each new worker, so that it opens with what was configured since. */
  config(): OpenConfig;
  host: Omit<HostApi, "died">;
  /** A new worker is open in place of a dead one. */
  replaced(error: LastwordError): void;
  /** No further worker will be started. */
  gaveUp(error: LastwordError): void;
}

type Call = <Name extends keyof CoreCalls>(name: Name, ...args: Parameters<CoreCalls[Name]>) => Promise<Awaited<ReturnType<CoreCalls[Name]>>>;

/** A worker and the calls that wait for it. */
interface Running {
  worker: Worker;
  api: Remote<WorkerApi>;
  /** Rejects a waiting call when the worker dies. */
  waiting: Set<(error: LastwordError) => void>;
  watch: AbortController;
}

/** Calls to a worker that is replaced when it dies. */
export class WorkerLink {
  readonly #options: LinkOptions;
  #running: Promise<Running> | undefined;
  #closed: LastwordError | undefined;
  #deaths: number[] = [];

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Resolves when the worker is open. */
  async open(): Promise<void> {
    this.#running ??= this.#start();
    await this.#running;
  }

  /** Calls the core. Rejects with `worker_died`, retryable, when the worker ends before it answers. */
  readonly call: Call = async (name, ...args) => {
    if (this.#closed) throw this.#closed;
    if (!this.#running) throw new LastwordError({ code: "not_open", message: "open the worker before calling it" });
    const running = await this.#running;
    return this.#untilDead(running, () => (running.api.call as unknown as Call)(name, ...args)) as never;
  };

  /** Ends the worker and every call that waits for it. */
  async close(error: LastwordError): Promise<void> {
    if (this.#closed) return;
    this.#closed = error;
    const running = await this.#running?.catch(() => undefined);
    if (running) end(running, error);
  }

  async #start(): Promise<Running> {
    const worker = this.#options.startWorker();
    const running: Running = { worker, api: wrap<WorkerApi>(worker), waiting: new Set(), watch: new AbortController() };
    let opened = false;
    const died = (error: LastwordError) => (opened ? this.#replace(running, error) : end(running, error));
    worker.addEventListener("error", (event) => {
      // A worker script that cannot be loaded says so only here. Later errors are told by the worker itself.
      if (!opened) died(cannotStart(event.message));
    });
    const host: HostApi = { ...this.#options.host, died: (plain) => died(new LastwordError(plain)) };
    const lock = await this.#untilDead(running, () => running.api.open(this.#options.config(), proxy(host)) as Promise<string | null>)
      .catch((error: unknown) => {
        worker.terminate();
        throw error;
      });
    opened = true;
    if (lock !== null) this.#watch(running, lock, died);
    return running;
  }

  /** The worker holds this lock as long as it lives; when it comes to us, the worker is gone. */
  #watch(running: Running, lock: string, died: (error: LastwordError) => void): void {
    navigator.locks
      .request(lock, { signal: running.watch.signal }, () => died(workerDied()))
      .catch(() => {
        // Aborted: the worker was ended by us.
      });
  }

  #untilDead<T>(running: Running, call: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      running.waiting.add(reject);
      const settled = () => running.waiting.delete(reject);
      call().then(
        (value) => { settled(); resolve(value); },
        (error: unknown) => { settled(); reject(cannotCross(error) ?? (error as Error)); },
      );
    });
  }

  #replace(dead: Running, error: LastwordError): void {
    if (this.#closed || dead.watch.signal.aborted) return;
    end(dead, error);
    const now = Date.now();
    this.#deaths = [...this.#deaths.filter((at) => now - at < DEATHS_WINDOW_MS), now];
    if (this.#deaths.length > DEATHS_MAX) return this.#giveUp(error);
    this.#running = this.#start();
    this.#running.then(() => this.#options.replaced(error), (again: unknown) => this.#giveUp(again as LastwordError));
  }

  #giveUp(error: LastwordError): void {
    this.#closed = new LastwordError({
      code: "worker_failed", message: `the sync worker cannot be kept running: ${error.message}`, retryable: false,
    });
    this.#options.gaveUp(this.#closed);
  }
}

function end(running: Running, error: LastwordError): void {
  running.watch.abort();
  running.worker.terminate();
  for (const reject of running.waiting) reject(error);
  running.waiting.clear();
}

/** What is not data, a function say, cannot be sent to the worker, nor stored. */
function cannotCross(error: unknown): LastwordError | undefined {
  const isRefused = error instanceof DOMException && error.name === "DataCloneError";
  return isRefused ? new LastwordError({ code: "invalid", message: `only plain data can be stored: ${error.message}` }) : undefined;
}

function workerDied(): LastwordError {
  return new LastwordError({ code: "worker_died", message: "the sync worker ended and is being replaced: try again", retryable: true });
}

function cannotStart(message: string | undefined): LastwordError {
  return new LastwordError({
    code: "worker_failed", retryable: false,
    message: `the sync worker did not start${message ? ` (${message})` : ""}: check that its script and lastword_bg.wasm are served`,
  });
}

/** Workers replaced in one window before giving up: a worker that dies at once must not be started for ever. */
const DEATHS_MAX = 5;
const DEATHS_WINDOW_MS = 60_000;
