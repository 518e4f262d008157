/** The shape of what crosses between page and worker. Never holds behaviour beyond the form of an error. */

import { transferHandlers } from "comlink";
import type { SyncEvent } from "lastword";
import type { CoreCalls, OpenConfig } from "./core.js";
import type { Exchange, Exchanged } from "./custom.js";
import { LastwordError, toPlain, type PlainError } from "./errors.js";

/** What a worker answers to its page. */
export interface WorkerApi {
  /** Loads the wasm and opens the database. Answers the name of a lock that is held as long as this worker lives. */
  open(config: OpenConfig, host: HostApi): Promise<string | null>;
  call<Name extends keyof CoreCalls>(name: Name, ...args: Parameters<CoreCalls[Name]>): Promise<Awaited<ReturnType<CoreCalls[Name]>>>;
}

/** What a page answers to its worker. */
export interface HostApi {
  emit(event: SyncEvent): void;
  token(refresh: boolean): Promise<string | null | undefined>;
  exchange(request: Exchange): Promise<Exchanged>;
  /** The wasm instance is unusable: this worker must be replaced. */
  died(error: PlainError): void;
}

/** A thrown value, as Comlink marks it. */
interface Thrown {
  value: unknown;
}

/** Makes Comlink send errors as plain objects and throw them as `LastwordError` on the other side. Both sides call it once. */
export function installErrorHandler(): void {
  const original = transferHandlers.get("throw");
  if (!original) throw new Error("this version of Comlink has no handler for errors");
  transferHandlers.set("throw", {
    canHandle: (value): value is Thrown => original.canHandle(value),
    serialize: (thrown: Thrown) => [toPlain(thrown.value), []],
    deserialize: (plain: PlainError) => {
      throw new LastwordError(plain);
    },
  });
}
