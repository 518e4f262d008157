/** Hooks for React 18 and newer. */

import type { Conflict, ConflictChoice, EntityMap, LastwordError, Status, Sync, SyncResult, SyncState } from "lastword";

/** The newest status; the component renders again when it changes. */
export function useSyncStatus<E extends EntityMap>(sync: Sync<E>): Status;

/** A button's worth: start a round, and what became of it. */
export function useSync<E extends EntityMap>(sync: Sync<E>): {
  sync: () => Promise<SyncResult | undefined>;
  syncState: SyncState;
  syncError: LastwordError | Status["error"];
  isLoading: boolean;
};

/** The open conflicts, and how to settle them. */
export function useConflicts<E extends EntityMap>(sync: Sync<E>): {
  conflicts: Conflict[];
  resolve: (conflict: Conflict, choice: ConflictChoice) => Promise<void>;
  resolveAll: (keep: "local" | "remote") => Promise<number>;
};
