/**
 * The other tabs of one database: what changed there, what the leader is doing, and a round asked of it.
 *
 * Never decides who leads: the core's lock does. A lost message costs freshness and nothing else.
 */

import type { Status, SyncEvent, SyncResult } from "lastword";
import type { CoreCalls } from "./core.js";
import { LastwordError, toPlain, type PlainError } from "./errors.js";

type Message =
  | { kind: "hello" }
  | { kind: "event"; event: SyncEvent }
  | { kind: "status"; status: Status }
  | { kind: "sync"; ask: string }
  | { kind: "synced"; ask: string; result: SyncResult }
  | { kind: "not_synced"; ask: string; error: PlainError };

/** What the tabs of a database tell each other. */
export class Tabs {
  readonly #channel: BroadcastChannel;
  readonly #emit: (event: SyncEvent) => void;
  readonly #asked = new Map<string, { resolve(result: SyncResult): void; reject(error: LastwordError): void }>();
  #core: CoreCalls | undefined;
  #leads = false;
  /** The newest status of the tab that leads, as long as that is another one. */
  #leader: Status | undefined;

  /** `emit` reaches the page of this tab. */
  constructor(database: string, emit: (event: SyncEvent) => void) {
    this.#emit = emit;
    this.#channel = new BroadcastChannel(`lastword:${database}`);
    this.#channel.onmessage = ({ data }: MessageEvent<Message>) => this.#heard(data);
  }

  /** Asks the leader how it is, once the core is open. */
  join(core: CoreCalls): void {
    this.#core = core;
    this.#tell({ kind: "hello" });
  }

  /** An event of this tab's core: to its page, and to the other tabs what concerns them. */
  emit(event: SyncEvent): void {
    if (event.type === "status") {
      this.#emit({ type: "status", status: this.shown(event.status) });
      if (event.status.leader) this.#tell({ kind: "status", status: event.status });
      return;
    }
    this.#emit(event);
    if (SHARED.has(event.type)) this.#tell({ kind: "event", event });
  }

  /** A status of this tab's core as its page should see it: with the leader's doings where another tab leads. */
  shown(status: Status): Status {
    this.#leads = status.leader;
    if (status.leader) this.#leader = undefined;
    if (!this.#leader || status.state === "stopped") return status;
    const { state, lastSyncAt, nextTryAt, error, progress } = this.#leader;
    return { ...status, state, lastSyncAt, nextTryAt, error, progress };
  }

  /** A round: here when this tab leads, else by the leader; here after all when the lead comes to this tab meanwhile. */
  syncNow(core: CoreCalls): Promise<SyncResult> {
    const here = core.syncNow();
    if (this.#leads) return here;
    const ask = crypto.randomUUID();
    const there = new Promise<SyncResult>((resolve, reject) => this.#asked.set(ask, { resolve, reject }));
    this.#tell({ kind: "sync", ask });
    return Promise.race([here, there]).finally(() => this.#asked.delete(ask));
  }

  close(): void {
    this.#channel.close();
  }

  #heard(message: Message): void {
    const core = this.#core;
    if (!core) return;
    switch (message.kind) {
      case "hello":
        if (this.#leads) void core.status().then((status) => this.emit({ type: "status", status }), quiet);
        return;
      case "event":
        this.#emit(message.event);
        if (message.event.type !== "change") return;
        if (message.event.source === "local") core.trigger("edit");
        if (!this.#leads) void core.status().then((status) => this.emit({ type: "status", status }), quiet);
        return;
      case "status":
        if (this.#leads) return;
        this.#leader = message.status;
        // Our own sync may be stopped although another tab's is not.
        void core.status().then((status) => this.emit({ type: "status", status }), quiet);
        return;
      case "sync":
        if (this.#leads) void this.#answer(core, message.ask);
        return;
      case "synced":
        this.#asked.get(message.ask)?.resolve(message.result);
        return;
      case "not_synced":
        this.#asked.get(message.ask)?.reject(new LastwordError(message.error));
        return;
    }
  }

  async #answer(core: CoreCalls, ask: string): Promise<void> {
    try {
      this.#tell({ kind: "synced", ask, result: await core.syncNow() });
    } catch (thrown) {
      this.#tell({ kind: "not_synced", ask, error: toPlain(thrown) });
    }
  }

  #tell(message: Message): void {
    this.#channel.postMessage(message);
  }
}

/** A failed read of the status is told by the next one. */
function quiet(): void {}

/** What the page of every tab must hear. */
const SHARED: ReadonlySet<SyncEvent["type"]> = new Set(["change", "conflict", "failure", "superseded", "auth_needed"]);
