/** What the blocks of the documentation take for granted: an open sync, and the app around it. */

import type { createSync as createSyncFunction, LastwordError as LastwordErrorClass, Schema, Sync } from "lastword";

interface Task {
  title: string;
  done?: boolean;
}

declare global {
  const sync: Sync<{ readonly tasks: { readonly schema: Schema<Task> } }>;
  const createSync: typeof createSyncFunction;
  const LastwordError: typeof LastwordErrorClass;
  const id: string;
  const db: import("dexie").Dexie;
  const session: { token: string; renew(): Promise<string> };
  function render(what: string, shown: unknown, more?: unknown): void;
  const myApi: {
    changes(entity: string, cursor: string | null, limit: number): Promise<{ rows: object[]; next: string; more: boolean }>;
    save(entity: string, records: object[], key: string): Promise<{ id: string }[]>;
  };
  const oldDatabase: { rows(table: string): Promise<{ id: string; isDirty: boolean }[]> };
}
