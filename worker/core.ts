/** The class that the wasm module exports, as TypeScript sees it. Never imported by the page. */

import type {
  Change, Conflict, ConflictChoice, CustomBackend, Failure, HttpBackend, RecordStatus, Stats, Status, SyncEvent, SyncOptions, SyncResult,
} from "lastword";
import type { Exchange, Exchanged } from "./custom.js";

/** A record on its way through: the core alone knows its form. */
export type AnyRecord = Record<string, unknown>;

/** Why a round may be due. */
export type Trigger = "online" | "offline" | "visible" | "hidden" | "focus" | "edit" | "poke" | "freeze" | "resume" | "slow" | "brisk";

/** What the core is opened with: the options of the page that can be cloned, the URL made absolute. */
export type CoreConfig = Omit<SyncOptions, "token" | "worker" | "autoStart" | "backend" | "realtime"> & {
  readonly backend: HttpBackend | Omit<CustomBackend, "pull" | "push">;
};

/** What a worker is opened with. */
export type OpenConfig = CoreConfig & Pick<SyncOptions, "realtime">;

/** What the core asks of its host. */
export interface CoreHost {
  emit(event: SyncEvent): void;
  /** Undefined where the app has no token source. */
  token(refresh: boolean): Promise<string | null | undefined>;
  /** Asks the app's own functions, where they are the backend. */
  exchange(request: Exchange): Promise<Exchanged>;
}

/** The calls of an open core. Errors are Error objects with `code` and `retryable`. */
export interface CoreCalls {
  start(): Promise<void>;
  stop(): Promise<void>;
  syncNow(): Promise<SyncResult>;
  trigger(kind: Trigger): Promise<void>;
  /** Whether this tab syncs, and leads: told without a look at the database. */
  mode(): Promise<"stopped" | "follower" | "leader">;
  status(): Promise<Status>;
  stats(): Promise<Stats>;
  deviceId(): Promise<string>;
  put(entity: string, record: AnyRecord): Promise<AnyRecord>;
  bulkPut(entity: string, records: readonly AnyRecord[]): Promise<AnyRecord[]>;
  update(entity: string, id: string, patch: AnyRecord): Promise<AnyRecord>;
  delete(entity: string, id: string): Promise<void>;
  bulkDelete(entity: string, ids: readonly string[]): Promise<void>;
  get(entity: string, id: string): Promise<AnyRecord | undefined>;
  list(entity: string, options: { includeDeleted?: boolean }): Promise<AnyRecord[]>;
  statusOf(entity: string, id: string): Promise<RecordStatus>;
  markDirty(entity: string, id: string): Promise<void>;
  markAllDirty(entity?: string): Promise<void>;
  pending(entity?: string): Promise<Change[]>;
  conflicts(): Promise<Conflict[]>;
  resolveConflict(entity: string, id: string, choice: ConflictChoice): Promise<void>;
  failures(): Promise<Omit<Failure, "help">[]>;
  retry(entity: string, id: string): Promise<void>;
  retryAll(): Promise<number>;
  discard(entity: string, id: string): Promise<void>;
  exportUnsynced(): Promise<object>;
  signIn(to: { account: string }): Promise<void>;
  signOut(how: { wipe: boolean }): Promise<{ unsent: number }>;
  configure(patch: Partial<Pick<CoreConfig, "backend" | "intervalMs" | "debounceMs">>): Promise<void>;
  destroy(): Promise<void>;
}

/** What the wasm module exports of an open core: one function for every call. */
export interface RawCore {
  call(name: string, args: unknown[]): Promise<unknown>;
}

/** The calls of an open core as functions. */
export function coreCalls(core: RawCore): CoreCalls {
  const calls = [...CORE_CALLS].map((name) => [name, (...args: unknown[]) => core.call(name, args)]);
  return Object.fromEntries(calls) as CoreCalls;
}

/** The names of those calls: what a page may ask for, and nothing else. */
export const CORE_CALLS: ReadonlySet<keyof CoreCalls> = new Set<keyof CoreCalls>([
  "start", "stop", "syncNow", "trigger", "mode", "status", "stats", "deviceId", "put", "bulkPut", "update", "delete", "bulkDelete", "get",
  "list", "statusOf", "markDirty", "markAllDirty", "pending", "conflicts", "resolveConflict", "failures", "retry",
  "retryAll", "discard", "exportUnsynced", "signIn", "signOut", "configure", "destroy",
]);
