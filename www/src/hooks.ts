/** What components need from a `Sync`: its status, and records that follow its changes. */

import type { Status, SyncEvent } from "lastword";
import { useEffect, useState } from "preact/hooks";
import { useApp } from "./app-context.js";
import type { EntityName, Row } from "./model.js";

/** The newest status. */
export function useStatus(): Status {
  const { sync } = useApp();
  const [status, setStatus] = useState(sync.getSnapshot);
  useEffect(() => {
    setStatus(sync.getSnapshot());
    return sync.subscribe(() => setStatus(sync.getSnapshot()));
  }, [sync]);
  return status;
}

/** All live records of an entity; read again when one changes here or arrives. Undefined until first read. */
export function useRecords<Name extends EntityName>(name: Name): Row<Name>[] | undefined {
  const { sync } = useApp();
  return useLive(() => sync.entities[name].list() as Promise<Row<Name>[]>, ["change"], (event) => "entity" in event && event.entity !== name);
}

/** Ids of the records that the backend has not acknowledged. */
export function usePendingIds(): ReadonlySet<string> {
  const { sync } = useApp();
  return useLive(async () => new Set((await sync.pending()).map(({ id }) => id)), ["change", "status"]) ?? NONE;
}

/**
 * Reads now and after each of `events`, one read at a time; `skip` says which events do not matter.
 *
 * Rests after a read for a while that grows with what the read took: readers must not keep the sync from writing.
 */
export function useLive<T>(read: () => Promise<T>, events: readonly SyncEvent["type"][], skip?: (event: SyncEvent) => boolean): T | undefined {
  const { sync } = useApp();
  const [value, setValue] = useState<T>();
  useEffect(() => {
    let state: "idle" | "reading" | "stale" | "ended" = "idle";
    const refresh = async () => {
      if (state !== "idle") {
        if (state === "reading") state = "stale";
        return;
      }
      state = "reading";
      const began = performance.now();
      // A read fails only while the worker is being replaced, and that is told by an event of its own.
      const next = await read().catch(() => undefined);
      if (now() === "ended") return;
      if (next !== undefined) setValue(() => next);
      await rest((performance.now() - began) * REST_FACTOR);
      if (now() === "ended") return;
      const again = now() === "stale";
      state = "idle";
      if (again) void refresh();
    };
    const now = () => state;
    void refresh();
    const stops = [...events, "worker_replaced" as const].map((type) => sync.on(type, (event) => {
      if (!skip?.(event)) void refresh();
    }));
    return () => {
      state = "ended";
      for (const stop of stops) stop();
    };
  }, [sync]);
  return value;
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const REST_FACTOR = 5;
const NONE: ReadonlySet<string> = new Set();
