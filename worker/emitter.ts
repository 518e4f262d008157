/** Events of the worker to listeners of the page, and the snapshot that frameworks read. Never drops or reorders an event. */

import type { EventOf, Status, SyncEvent } from "lastword";

type Listener = (event: never) => void;

/** Listeners by event type. One that throws does not keep the others from hearing. */
export class Emitter {
  readonly #listeners = new Map<SyncEvent["type"], Set<Listener>>();

  on<Type extends SyncEvent["type"]>(type: Type, listener: (event: EventOf<Type>) => void): () => void {
    const set = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, set);
    set.add(listener);
    return () => set.delete(listener);
  }

  emit(event: SyncEvent): void {
    for (const listener of [...(this.#listeners.get(event.type) ?? [])]) {
      try {
        (listener as (event: SyncEvent) => void)(event);
      } catch (thrown) {
        reportError(thrown);
      }
    }
  }
}

/** The newest status, as the same object until it changes: what `useSyncExternalStore` and its like want. */
export class Snapshot {
  #status: Status;
  readonly #listeners = new Set<() => void>();

  constructor(status: Status) {
    this.#status = status;
  }

  readonly get = (): Status => this.#status;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  set(status: Status): void {
    this.#status = status;
    for (const listener of [...this.#listeners]) listener();
  }
}
