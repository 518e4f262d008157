/**
 * lastword: keeps a web app's IndexedDB and its own REST backend the same, without losing an edit.
 *
 * Everything here runs on the page and only sends messages; the sync itself runs in a worker.
 */

// ---------------------------------------------------------------- records

/** The sync fields that every record carries. Times are milliseconds since the Unix epoch. */
export interface Envelope {
  /** Unique in its entity. Made by the replica (UUID v7) when a put has none. */
  id: string;
  clientCreatedAt: number;
  /** The stamp: orders the copies of a record. */
  clientUpdatedAt: number;
  /** True for a tombstone. */
  isDeleted: boolean;
  /** When the backend accepted this copy. A pulled copy has it; what an edit has of it: {@link EntityOptions.fields}. */
  serverUpdatedAt?: number;
  /** The backend's own id, where it has one; known as `serverUpdatedAt` is. */
  serverId?: string;
  /** Counts the copies the backend has accepted; known as `serverUpdatedAt` is. */
  version?: number;
}

/** A record as it is stored: the app's fields and the sync fields. */
export type Stored<Fields> = Fields & Envelope;

/** A record as the app writes it: the sync fields are filled in where they are missing. */
export type Draft<Fields> = Fields & Partial<Pick<Envelope, "id">>;

// ---------------------------------------------------------------- entities and schemas

/**
 * A JSON Schema (2020-12 subset) of an app's fields.
 *
 * Give `Fields` to name the type yourself: `schema as Schema<WorkoutLog>`. Otherwise it is read from the schema.
 */
export type Schema<Fields = unknown> = object & { readonly "~fields"?: Fields };

/** The type described by a JSON Schema written in place. Keywords that it cannot express widen to `unknown`. */
export type FieldsOf<S> = S extends { readonly "~fields"?: infer Fields }
  ? unknown extends Fields ? Described<S> : Fields
  : Described<S>;

type Described<S> =
  S extends { readonly const: infer Value } ? Value :
  S extends { readonly enum: readonly (infer Value)[] } ? Value :
  S extends { readonly type: readonly (infer Name)[] } ? (Name extends string ? Described<Omit<S, "type"> & { readonly type: Name }> : never) :
  S extends { readonly type: "string" } ? string :
  S extends { readonly type: "number" | "integer" } ? number :
  S extends { readonly type: "boolean" } ? boolean :
  S extends { readonly type: "null" } ? null :
  S extends { readonly type: "array"; readonly items: infer Item } ? Described<Item>[] :
  S extends { readonly type: "array" } ? unknown[] :
  S extends { readonly type: "object"; readonly properties: infer Properties } ? DescribedObject<Properties, RequiredOf<S>> :
  S extends { readonly type: "object" } ? { [field: string]: unknown } :
  unknown;

type RequiredOf<S> = S extends { readonly required: readonly (infer Name)[] } ? Name : never;
type DescribedObject<P, Required> = Flat<
  { -readonly [K in keyof P as K extends Required ? K : never]: Described<P[K]> } &
  { -readonly [K in keyof P as K extends Required ? never : K]?: Described<P[K]> }
>;
type Flat<T> = { [K in keyof T]: T[K] };

/** One entity: a store of the app and its place on the backend. */
export interface EntityOptions {
  /** Object store of the database. The entity's name when absent. */
  readonly store?: string;
  /** Path of the resource endpoints, from the base URL. `/api/v1/{name}` when absent. */
  readonly path?: string;
  /** Path that takes the pushes. The path and `/batch` when absent. */
  readonly pushPath?: string;
  /** Query parameters of every request for this entity. */
  readonly query?: { readonly [name: string]: string };
  /** Checked on every record, in both directions. Any object when absent. */
  readonly schema?: Schema<any>;
  /** Fields that name a record of another entity: field to entity. Parents are sent first. */
  readonly references?: { readonly [field: string]: string };
  /**
   * What the app's rows and its backend call the sync fields. With `deletedAt` a record is deleted by a time in place of
   * the mark: absent or null while it lives.
   *
   * What the backend says of an accepted edit (`serverUpdatedAt`, `serverId`, `version`) is written to its row where one of
   * the three is named here, be it by its own name, and where rows are found by scan or have status columns. Elsewhere only
   * a row that holds a pulled copy shows it: every accepted edit would cost a second write of its row.
   */
  readonly fields?: { readonly [name in "id" | "clientCreatedAt" | "clientUpdatedAt" | "isDeleted" | "deletedAt" | "serverUpdatedAt" | "serverId" | "version"]?: string };
  /** How those fields hold times: milliseconds since 1970, or ISO 8601 text in UTC. `ms` when absent. */
  readonly times?: "ms" | "iso";
  /**
   * Columns of the app's rows that show their sync: all five in one style of names, or a name for each that is wanted.
   * They are never sent, and not part of the record. None when absent.
   */
  readonly statusFields?: "snake_case" | "camelCase" | StatusFieldNames;
  /**
   * How rows are kept: one by one, or many to a value, which makes a large first pull more than twice as fast. `packed` is for a
   * database of lastword's own and `detect: "exact"`; other libraries cannot read such rows. `rows` when absent.
   */
  readonly layout?: "rows" | "packed";
  /** How local changes are found: `exact` when all writes go through lastword, `scan` when the app writes by itself. */
  readonly detect?: "exact" | "scan";
  /** What happens when both sides changed a record. `lastWriteWins` when absent. */
  readonly conflicts?: "lastWriteWins" | "manual";
}

/** What an app calls the columns of {@link EntityOptions.statusFields}; one without a name is not written. */
export interface StatusFieldNames {
  readonly lastSyncedAt?: string;
  readonly lastSyncAttemptAt?: string;
  readonly syncStatus?: string;
  readonly syncErrorMessage?: string;
  readonly syncVersion?: string;
}

/** The columns with their names in camel case. Times are in the form of the entity's `times`; null says never, or none. */
export interface StatusFields<Time = number> {
  lastSyncedAt: Time | null;
  lastSyncAttemptAt: Time | null;
  syncStatus: "pending" | "synced" | "failed" | "conflict";
  syncErrorMessage: string | null;
  syncVersion: number | null;
}

/** The columns with their names in snake case. */
export interface SnakeStatusFields<Time = number> {
  last_synced_at: Time | null;
  last_sync_attempt_at: Time | null;
  sync_status: "pending" | "synced" | "failed" | "conflict";
  sync_error_message: string | null;
  sync_version: number | null;
}

/** The status columns that `get` and `list` show of one entity. */
export type EntityColumns<E extends EntityOptions> =
  E extends { readonly statusFields: "camelCase" } ? Partial<StatusFields<TimeOf<E>>> :
  E extends { readonly statusFields: "snake_case" } ? Partial<SnakeStatusFields<TimeOf<E>>> :
  unknown;
type TimeOf<E> = E extends { readonly times: "iso" } ? string : number;

/** The entities of an app, by name. */
export interface EntityMap {
  readonly [entity: string]: EntityOptions;
}

/** The app's fields of one entity. */
export type EntityFields<E extends EntityOptions> = E extends { readonly schema: infer S }
  ? unknown extends FieldsOf<S> ? AnyFields : FieldsOf<S>
  : AnyFields;
type AnyFields = { [field: string]: unknown };

// ---------------------------------------------------------------- options

/** Where the records go: a backend over HTTP, or functions of the app. */
export type BackendOptions = HttpBackend | CustomBackend | WorkerBackend;

/** A backend over HTTP. */
export interface HttpBackend {
  /** Base URL: https, or http on this machine. May be relative to the page. */
  readonly url: string;
  /** `resource` (a path for each entity) or `changeset` (one pair of endpoints). `resource` when absent. */
  readonly style?: "resource" | "changeset";
  /**
   * What a pull is asked with. `time` is for a backend of style `resource` that gives no cursors: `since` is then the
   * greatest `serverUpdatedAt` so far less `overlapMs`, and a record that the backend shows later than that is missed.
   * `cursor` when absent.
   */
  readonly since?: "cursor" | "time";
  /** How far each pull by time looks back. 30,000 when absent. */
  readonly overlapMs?: number;
  /** Sent with each request. Not for secrets: those come from `token`. */
  readonly headers?: { readonly [name: string]: string };
  /** Send bodies of 4 KiB and more as gzip. Only for a backend that takes them. False when absent. */
  readonly gzip?: boolean;
  /** Records in one push. 100 when absent. */
  readonly batchRecords?: number;
  /** Bytes of one push, 4,096 to 4 MiB. 1 MiB when absent. A body that is refused as too large is halved by itself. */
  readonly batchBytes?: number;
  /** Records in one page of a pull. 1,000 when absent. With `since: "time"` not more than the backend gives at once. */
  readonly pageRecords?: number;
}

/**
 * A backend of any kind, spoken to by functions of the app. They run on the page, or in a worker of the app's own
 * (`lastword/serve`), and answer what a backend of style `resource` would. One that throws is asked again later; a
 * `status` on the error is read as an HTTP status.
 */
export interface CustomBackend {
  readonly style: "custom";
  /** The page behind `cursor`; everything from the start where it is null. May be asked for several entities at once. */
  pull(entity: string, cursor: string | null, limit: number): PulledPage | Promise<PulledPage>;
  /** Stores records. The same key names the same body, also when it comes again. */
  push(entity: string, body: { deviceId: string; records: object[] }, push: { idempotencyKey: string }): PushedResults | Promise<PushedResults>;
  /** Records in one push. 100 when absent. */
  readonly batchRecords?: number;
  /** Bytes of one push, 4,096 to 4 MiB. 1 MiB when absent. A body that is refused as too large is halved by itself. */
  readonly batchBytes?: number;
  /** Records in one page of a pull. 1,000 when absent. */
  readonly pageRecords?: number;
}

/** A custom backend whose functions are in a worker of the app's own, which {@link SyncOptions.worker} starts. */
export interface WorkerBackend {
  readonly style: "custom";
  readonly pull?: undefined;
  readonly push?: undefined;
  /** Records in one push. 100 when absent. */
  readonly batchRecords?: number;
  /** Bytes of one push, 4,096 to 4 MiB. 1 MiB when absent. A body that is refused as too large is halved by itself. */
  readonly batchBytes?: number;
  /** Records in one page of a pull. 1,000 when absent. */
  readonly pageRecords?: number;
}

/** A page of records in the order the backend accepted them, tombstones included. */
export interface PulledPage {
  records: object[];
  /** Covers exactly these records. */
  cursor: string;
  hasMore: boolean;
  upTo?: number;
  serverTime?: number;
  epoch?: string;
  remaining?: number;
}

/** One result for each pushed record. */
export interface PushedResults {
  results: (
    | { id: string; status: "applied"; serverUpdatedAt?: number; version?: number; serverId?: string }
    | { id: string; status: "conflict"; record: object }
    | { id: string; status: "rejected"; code: string; message?: string; fields?: { path: string; message: string }[] }
    | { id: string; status: "gone" }
  )[];
  serverTime?: number;
  epoch?: string;
}

/** The bearer token: a value, or a function asked for each one. `refresh` is true when the last one was refused. */
export type TokenSource = string | ((ask: { refresh: boolean }) => string | null | Promise<string | null>);

/** What `createSync` needs. */
export interface SyncOptions<E extends EntityMap = EntityMap> {
  /** Name of the IndexedDB database. */
  readonly database: string;
  /** True when the database and its schema are the app's own. lastword then never upgrades it. */
  readonly attached?: boolean;
  /** Whose data this is. A database opened for one account is refused to another. */
  readonly account?: string;
  readonly entities: E;
  readonly backend: BackendOptions;
  /** Stays in memory; never stored or logged. */
  readonly token?: TokenSource;
  /** Sync by itself from now on. True when absent. */
  readonly autoStart?: boolean;
  /** Time between two rounds when nothing happens. 30,000 when absent. */
  readonly intervalMs?: number;
  /** Wait after a local edit before it is sent. */
  readonly debounceMs?: number;
  /** Failed tries of one record before it is given up (`failed_permanently`). 10 when absent. */
  readonly tries?: number;
  /**
   * Syncs at once when the backend says that something changed: true for its stream of events at `/api/v1/events`, or
   * another path. Without it, or where the stream fails, the timer finds changes. False when absent.
   */
  readonly realtime?: boolean | string;
  /** Starts the worker, where a bundler needs to see it done: `() => new Worker(new URL("lastword/worker", import.meta.url), { type: "module" })`. */
  readonly worker?: () => Worker;
}

// ---------------------------------------------------------------- status and events

export type SyncState = "idle" | "syncing" | "offline" | "auth_needed" | "failed" | "stopped";

/** What the whole replica is doing. */
export interface Status {
  state: SyncState;
  /** True when this tab is the one that syncs. */
  leader: boolean;
  /** Whether the backend answered when it was last asked; null before that. */
  reachable: boolean | null;
  /** Local changes that the backend has not acknowledged. */
  pending: number;
  /** Changes given up on, until retried. */
  failed: number;
  conflicts: number;
  /** Incoming records set aside because they were not valid. */
  quarantined: number;
  lastSyncAt: number | null;
  nextTryAt: number | null;
  error: { code: string; message: string; retryable: boolean } | null;
  progress: Progress | null;
  entities: { [entity: string]: EntityStatus };
}

export interface EntityStatus {
  pending: number;
  failed: number;
  conflicts: number;
  quarantined: number;
  lastPushAt: number | null;
  lastPullAt: number | null;
}

export interface Progress {
  phase: "pull" | "push";
  done: number;
  /** Null when the backend cannot count. */
  total: number | null;
  /** Bytes fetched so far. Null for a push, which is always counted. */
  bytes: number | null;
}

/** What one round of sync did. */
export interface SyncResult {
  pushed: number;
  pulled: number;
  conflicts: number;
  rejected: number;
  quarantined: number;
}

/** How many records stand where. */
export interface Counts {
  /** Rows, tombstones among them. */
  records: number;
  /** Rows that the backend has as they are. */
  synced: number;
  pending: number;
  failed: number;
  conflict: number;
  /** Incoming records set aside, which are no rows. */
  quarantined: number;
}

/** The counts in all, and those of each entity. */
export interface Stats extends Counts {
  entities: { [entity: string]: Counts };
}

/** Where one record stands. */
export interface RecordStatus {
  state: "synced" | "pending" | "conflict" | "failed" | "failed_permanently" | "unknown";
  attempts: number;
  lastAttemptAt: number | null;
  error: { code: string; message: string } | null;
}

/** One local difference that the backend has not acknowledged. */
export interface Change {
  entity: string;
  id: string;
  operation: "create" | "update" | "delete";
  state: RecordStatus["state"];
  attempts: number;
  queuedAt: number;
  lastAttemptAt: number | null;
  nextTryAt: number | null;
  error: { code: string; message: string } | null;
}

/** Two copies of a record that only a person can choose between. */
export interface Conflict {
  entity: string;
  id: string;
  local: Stored<object>;
  /** Null when the backend has deleted and forgotten the record. */
  remote: Stored<object> | null;
  foundAt: number;
}

/** How to settle a conflict. A merged copy is a new edit. */
export type ConflictChoice = { keep: "local" | "remote" } | { merged: object };

/** A change the backend refused. */
export interface Failure {
  entity: string;
  id: string;
  code: string;
  message: string;
  attempts: number;
  /** Where the documentation says what to do: a page and its section, `errors.md#failed-invalid`. */
  help: string;
}

/** Something that happened, by `type`. */
export type SyncEvent =
  | { type: "status"; status: Status }
  | ({ type: "progress" } & Progress)
  | { type: "change"; entity: string; ids: string[]; source: "remote" | "local" }
  | { type: "conflict"; entity: string; id: string }
  | { type: "failure"; entity: string; id: string; code: string; message: string }
  | { type: "superseded"; entity: string; id: string }
  | { type: "auth_needed" }
  /** Another tab of this database signed out: this one has stopped. */
  | { type: "signed_out"; wiped: boolean }
  | { type: "worker_replaced"; error: LastwordError }
  | { type: "log"; level: "debug" | "info" | "warn" | "error"; message: string };

/** The event of one type. */
export type EventOf<Type extends SyncEvent["type"]> = Extract<SyncEvent, { type: Type }>;

/** Every error of lastword. `code` is stable; `retryable` says whether trying again can help. */
export class LastwordError extends Error {
  constructor(error: { code: string; message: string; retryable?: boolean; retryAfterMs?: number | undefined; details?: unknown });
  readonly name: "LastwordError";
  readonly code: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly details: unknown;
  /** Where the documentation says what to do: a page and its section, `errors.md#network`. */
  readonly help: string;
}

// ---------------------------------------------------------------- what the app holds

/** The records of one entity. Every write is stamped, stored and queued in one transaction. */
export interface EntityHandle<Fields, Columns = unknown> {
  readonly name: string;
  /** Writes a whole record; makes its id when it has none. */
  put(record: Draft<Fields>): Promise<Stored<Fields>>;
  bulkPut(records: readonly Draft<Fields>[]): Promise<Stored<Fields>[]>;
  /** Changes some fields of a record. */
  update(id: string, patch: Partial<Fields>): Promise<Stored<Fields>>;
  /** Leaves a tombstone, which travels to the backend and every other replica. */
  delete(id: string): Promise<void>;
  bulkDelete(ids: readonly string[]): Promise<void>;
  get(id: string): Promise<(Stored<Fields> & Columns) | undefined>;
  list(options?: { includeDeleted?: boolean }): Promise<(Stored<Fields> & Columns)[]>;
  statusOf(id: string): Promise<RecordStatus>;
  /** Resolves when the backend has this record as it is now; rejects when it was refused or is in conflict. */
  whenSynced(id: string): Promise<void>;
  markDirty(id: string): Promise<void>;
  markAllDirty(): Promise<void>;
  pending(): Promise<Change[]>;
}

/** A running replica. */
export interface Sync<E extends EntityMap = EntityMap> {
  readonly entities: { readonly [Name in keyof E]: EntityHandle<EntityFields<E[Name]>, EntityColumns<E[Name]>> };
  readonly conflicts: {
    list(): Promise<Conflict[]>;
    resolve(entity: keyof E & string, id: string, choice: ConflictChoice): Promise<void>;
    /** Settles every conflict the same way; answers how many there were. */
    resolveAll(keep: "local" | "remote"): Promise<number>;
  };
  readonly failures: {
    list(): Promise<Failure[]>;
    retry(entity: keyof E & string, id: string): Promise<void>;
    retryAll(): Promise<number>;
    /** Drops a refused change; the record takes the backend's copy. */
    discard(entity: keyof E & string, id: string): Promise<void>;
    /** Everything the backend does not have, to be kept elsewhere. */
    export(): Promise<object>;
  };
  start(): Promise<void>;
  stop(): Promise<void>;
  /** One whole round, now. */
  syncNow(): Promise<SyncResult>;
  status(): Promise<Status>;
  stats(): Promise<Stats>;
  /** Who this replica is to the backend: made with the database, and for ever its own. */
  deviceId(): Promise<string>;
  /** Asks the browser to keep the app's data when room gets short. False where it, or the user, does not promise that. */
  persist(): Promise<boolean>;
  pending(): Promise<Change[]>;
  markAllDirty(): Promise<void>;
  /** Says that the app wrote rows by itself: they are found and sent soon. */
  edited(): void;
  /** Calls `listener` for each event of a type. Answers a function that stops it. */
  on<Type extends SyncEvent["type"]>(type: Type, listener: (event: EventOf<Type>) => void): () => void;
  /** Calls `listener` when the snapshot changed. With `getSnapshot`, a store for any framework. */
  subscribe(listener: () => void): () => void;
  /** The newest status: the same object until it changes. */
  getSnapshot(): Status;
  /** Fixes the account of this database and, where given, replaces the token source. */
  signIn(to: { account: string; token?: TokenSource }): Promise<void>;
  /** Forgets the token. With `wipe`, removes the local data too. Answers how many edits were never sent. */
  signOut(how: { wipe: boolean }): Promise<{ unsent: number }>;
  /** Takes another backend, token or pace; the next round uses them. */
  configure(patch: Partial<Pick<SyncOptions, "backend" | "token" | "intervalMs" | "debounceMs">>): Promise<void>;
  /** Stops and lets go of the worker. The data stays. */
  destroy(): Promise<void>;
}

/**
 * Opens the database in a worker and starts to sync.
 *
 * Rejects with a {@link LastwordError} that says what to do when an option is wrong.
 */
export function createSync<const E extends EntityMap>(options: SyncOptions<E>): Promise<Sync<E>>;
