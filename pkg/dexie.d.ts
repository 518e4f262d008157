/** Add-on for Dexie 4. */

import type { Dexie } from "dexie";
import type { EntityMap, Sync } from "lastword";

/** The stores that lastword needs, for the next `version().stores()` of an app's schema. */
export const lastwordStores: {
  _lastword_meta: string;
  _lastword_outbox: string;
  _lastword_conflicts: string;
  _lastword_quarantine: string;
};

/** What of the app's Dexie database is synced, and what a delete becomes. */
export interface DexieOptions<E extends EntityMap> {
  readonly entities: E;
  /** `soft` leaves a tombstone that travels; `hard` removes the row, which other devices never learn. `soft` when absent. */
  readonly deletes?: "soft" | "hard";
  /**
   * Asked before one transaction deletes more than 100 rows and half of a table, which every device would lose: true to go on.
   * Such a delete is refused with `mass_delete` when absent.
   */
  readonly mayDelete?: (table: string, count: number) => boolean;
}

/**
 * Stamps the app's own writes, turns deletes into soft ones, and makes live queries see what was synced.
 *
 * Call it before the first query; connect the sync once it is there. The entities need `detect: "scan"`, and views
 * filter out deleted rows.
 */
export function lastwordDexie<E extends EntityMap>(db: Dexie, options: DexieOptions<E>): {
  /** Answers a function that stops it. */
  connect(sync: Sync<E>): () => void;
};
