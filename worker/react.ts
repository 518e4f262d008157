/** Hooks for React 18 and newer. Hold no data of their own: they read what the `Sync` gives. */

import type { Conflict, ConflictChoice, EntityMap, LastwordError, Status, Sync, SyncResult, SyncState } from "lastword";
import { useCallback, useEffect, useState, useSyncExternalStore } from "react";

/** The newest status; the component renders again when it changes. */
export function useSyncStatus<E extends EntityMap>(sync: Sync<E>): Status {
  return useSyncExternalStore(sync.subscribe, sync.getSnapshot, sync.getSnapshot);
}

/** A button's worth: start a round, and what became of it. */
export function useSync<E extends EntityMap>(sync: Sync<E>): {
  sync: () => Promise<SyncResult | undefined>;
  syncState: SyncState;
  syncError: LastwordError | Status["error"];
  isLoading: boolean;
} {
  const { state, error } = useSyncStatus(sync);
  const [asked, setAsked] = useState<{ running: boolean; error: LastwordError | null }>({ running: false, error: null });
  const run = useCallback(async () => {
    setAsked({ running: true, error: null });
    try {
      const result = await sync.syncNow();
      setAsked({ running: false, error: null });
      return result;
    } catch (thrown) {
      setAsked({ running: false, error: thrown as LastwordError });
      return undefined;
    }
  }, [sync]);
  return { sync: run, syncState: state, syncError: asked.error ?? error, isLoading: asked.running || state === "syncing" };
}

/** The open conflicts, and how to settle them. */
export function useConflicts<E extends EntityMap>(sync: Sync<E>): {
  conflicts: Conflict[];
  resolve: (conflict: Conflict, choice: ConflictChoice) => Promise<void>;
  resolveAll: (keep: "local" | "remote") => Promise<number>;
} {
  const { conflicts: count } = useSyncStatus(sync);
  const [conflicts, setConflicts] = useState<Conflict[]>([]);
  useEffect(() => {
    let shown = true;
    // Fails only while the worker is being replaced; the next status reads again.
    sync.conflicts.list().then((list) => shown && setConflicts(list), () => undefined);
    return () => {
      shown = false;
    };
  }, [sync, count]);
  const resolve = useCallback(({ entity, id }: Conflict, choice: ConflictChoice) => sync.conflicts.resolve(entity, id, choice), [sync]);
  const resolveAll = useCallback((keep: "local" | "remote") => sync.conflicts.resolveAll(keep), [sync]);
  return { conflicts, resolve, resolveAll };
}
