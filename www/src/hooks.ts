/** What components need from a `Sync`: its status, and records that follow its changes. */

import type { Status } from "lastword";
import { useEffect, useState } from "preact/hooks";
import type { AppSync, StoredLog } from "./model.js";

/** The newest status. */
export function useStatus(sync: AppSync): Status {
  const [status, setStatus] = useState(sync.getSnapshot);
  useEffect(() => {
    setStatus(sync.getSnapshot());
    return sync.subscribe(() => setStatus(sync.getSnapshot()));
  }, [sync]);
  return status;
}

/** All live logs, newest first; read again when any of them changes here or arrives. Undefined until first read. */
export function useLogs(sync: AppSync): StoredLog[] | undefined {
  return useLive(sync, async () => {
    const logs = await sync.entities["workout-logs"].list();
    return logs.sort((a, b) => b.performedAt - a.performedAt || (a.id < b.id ? 1 : -1));
  }, ["change"]);
}

/** Ids of the records that the backend has not acknowledged. */
export function usePendingIds(sync: AppSync): ReadonlySet<string> {
  const ids = useLive(sync, async () => new Set((await sync.pending()).map(({ id }) => id)), ["change", "status"]);
  return ids ?? NONE;
}

/** Reads now and after each of `events`. A read that was overtaken by another is dropped. */
function useLive<T>(sync: AppSync, read: () => Promise<T>, events: readonly ("change" | "status")[]): T | undefined {
  const [value, setValue] = useState<T>();
  useEffect(() => {
    let newest = 0;
    const refresh = async () => {
      const turn = ++newest;
      const next = await read();
      if (turn === newest) setValue(() => next);
    };
    // A read fails only while the worker is being replaced; its replacement is announced by a status.
    const again = () => void refresh().catch(() => undefined);
    again();
    const stops = [...events, "worker_replaced" as const].map((event) => sync.on(event, again));
    return () => {
      newest = Infinity;
      for (const stop of stops) stop();
    };
  }, [sync]);
  return value;
}

const NONE: ReadonlySet<string> = new Set();
