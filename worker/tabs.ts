/**
 * The other tabs of one database: what changed there, what the leader is doing, and a round asked of it.
 *
 * Never decides who leads: the core's lock does. A lost message costs freshness and nothing else.
 */

import type { Status, SyncEvent, SyncResult } from "lastword";
import type { CoreCalls, Trigger } from "./core.js";
import { LastwordError, toPlain, type PlainError } from "./errors.js";

type Message =
  | { kind: "hello" }
  | { kind: "event"; event: SyncEvent }
  | { kind: "status"; status: Status; from: string }
  | { kind: "hint"; hint: Trigger; from: string }
  | { kind: "token" }
  | { kind: "signed_out"; wiped: boolean }
  | { kind: "sync"; ask: string }
  | { kind: "accepted"; ask: string }
  | { kind: "synced"; ask: string; result: SyncResult }
  | { kind: "not_synced"; ask: string; error: PlainError };

/** A round asked of the leader. */
interface Asked {
  resolve(result: SyncResult): void;
  reject(error: LastwordError): void;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** What the tabs of a database tell each other. */
export class Tabs {
  readonly #channel: BroadcastChannel;
  readonly #emit: (event: SyncEvent) => void;
  readonly #hinted: (hint: Trigger, tab: string) => void;
  readonly #asked = new Map<string, Asked>();
  readonly #name = crypto.randomUUID();
  #core: CoreCalls | undefined;
  #leads = false;
  #stopped = true;
  /** The tab that last said it leads. */
  #leaderName: string | undefined;
  /** The newest status of the tab that leads, as long as that is another one. */
  #leader: Status | undefined;

  /** `emit` reaches the page of this tab; `hinted` hears what the page of any tab told of itself. */
  constructor(database: string, emit: (event: SyncEvent) => void, hinted: (hint: Trigger, tab: string) => void = quiet) {
    this.#emit = emit;
    this.#hinted = hinted;
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
      if (event.status.leader) this.#tell({ kind: "status", status: event.status, from: this.#name });
      return;
    }
    this.#emit(event);
    if (SHARED.has(event.type)) this.#tell({ kind: "event", event });
  }

  /** A status of this tab's core as its page should see it: with the leader's doings where another tab leads. */
  shown(status: Status): Status {
    this.#leads = status.leader;
    this.#stopped = status.state === "stopped";
    if (status.leader) {
      this.#leader = undefined;
      // What was asked of another tab is done here.
      for (const { timer } of this.#asked.values()) clearTimeout(timer);
    }
    if (!this.#leader || status.state === "stopped") return status;
    const { state, reachable, lastSyncAt, nextTryAt, error, progress } = this.#leader;
    return { ...status, state, reachable, lastSyncAt, nextTryAt, error, progress };
  }

  /** A round: here when this tab leads, else by the leader; here after all when the lead comes to this tab meanwhile. */
  async syncNow(core: CoreCalls): Promise<SyncResult> {
    const stopped = this.#stopped;
    const isLed = await isHeld(this.#channel.name);
    const here = core.syncNow();
    if (this.#leads) return here;
    const ask = crypto.randomUUID();
    const there = new Promise<SyncResult>((resolve, reject) => this.#asked.set(ask, { resolve, reject, timer: undefined }));
    // Where nobody leads, this tab will: only a leader that shows up meanwhile is asked.
    if (isLed) this.#ask(ask);
    // Nobody may be left to hear what comes second.
    here.catch(quiet);
    there.catch(quiet);
    try {
      const done = await Promise.race([here.then((result) => ({ result, here: true })), there.then((result) => ({ result, here: false }))]);
      // A tab that does not sync by itself was started for this round alone.
      if (!done.here && stopped) await core.stop();
      return done.result;
    } finally {
      clearTimeout(this.#asked.get(ask)?.timer);
      this.#asked.delete(ask);
    }
  }

  /** What the page of this tab told: the tab that leads acts on it. */
  hint(hint: Trigger): void {
    if (!HINTS.has(hint)) return;
    this.#hinted(hint, this.#name);
    this.#tell({ kind: "hint", hint, from: this.#name });
  }

  /** Tells the leader that there may be another token to be had. */
  tokenChanged(): void {
    if (!this.#leads) this.#tell({ kind: "token" });
  }

  /** Tells every tab to stop, before anything is wiped. */
  signedOut(wiped: boolean): void {
    this.#tell({ kind: "signed_out", wiped });
  }

  close(): void {
    this.#channel.close();
  }

  #ask(ask: string): void {
    this.#expect(ask, ACCEPTED_WITHIN_MS);
    this.#tell({ kind: "sync", ask });
  }

  /** Gives up the asked round when nothing is heard of it for so long. */
  #expect(ask: string, ms: number): void {
    const asked = this.#asked.get(ask);
    if (!asked) return;
    clearTimeout(asked.timer);
    asked.timer = setTimeout(() => void this.#unheard(asked), ms);
  }

  /** Nobody answered: no wonder where this tab leads by now, and its own round goes on. */
  async #unheard(asked: Asked): Promise<void> {
    const status = await this.#core?.status().catch(quiet);
    if (status) this.shown(status);
    if (!this.#leads) asked.reject(noLeader());
  }

  /** The leader lives, or another tab leads now and has to be asked again. */
  #leaderSaid(from: string): void {
    const isNew = from !== this.#leaderName;
    this.#leaderName = from;
    for (const ask of this.#asked.keys()) {
      if (isNew) this.#ask(ask);
      else this.#expect(ask, ROUND_WITHIN_MS);
    }
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
        if (message.event.source === "local") void core.trigger("edit");
        if (!this.#leads) void core.status().then((status) => this.emit({ type: "status", status }), quiet);
        return;
      case "status":
        if (this.#leads) return;
        this.#leader = message.status;
        this.#leaderSaid(message.from);
        // Our own sync may be stopped although another tab's is not.
        void core.status().then((status) => this.emit({ type: "status", status }), quiet);
        return;
      case "sync":
        if (this.#leads) void this.#answer(core, message.ask);
        return;
      case "hint":
        this.#hinted(message.hint, message.from);
        // A page that is put away says nothing of ours.
        if (this.#leads && message.hint !== "hidden") void core.trigger(message.hint);
        return;
      case "token":
        if (this.#leads) void core.configure({}).catch(quiet);
        return;
      case "signed_out":
        void core.signOut({ wipe: false }).then(() => this.#emit({ type: "signed_out", wiped: message.wiped }), quiet);
        return;
      case "accepted":
        this.#expect(message.ask, ROUND_WITHIN_MS);
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
    this.#tell({ kind: "accepted", ask });
    try {
      this.#tell({ kind: "synced", ask, result: await core.syncNow() });
    } catch (thrown) {
      const error = toPlain(thrown);
      // The lead passes on: whoever has it next is asked again.
      if (!PASSED_ON.has(error.code)) this.#tell({ kind: "not_synced", ask, error });
    }
  }

  #tell(message: Message): void {
    this.#channel.postMessage(message);
  }
}

/** True when a tab holds the lead, which is the lock of this name. */
async function isHeld(name: string): Promise<boolean> {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  return held.some((lock) => lock.name === name);
}

/** A failed read of the status is told by the next one. */
function quiet(): void {}

function noLeader(): LastwordError {
  return new LastwordError({ code: "no_leader", message: "the tab that syncs does not answer: try again, or close it", retryable: true });
}

/** A living leader answers within this. */
const ACCEPTED_WITHIN_MS = 5_000;
/** A leader at work tells its status more often than this: the core itself waits no longer for one answer. */
const ROUND_WITHIN_MS = 150_000;
const PASSED_ON: ReadonlySet<string> = new Set(["fenced", "stopped"]);

/** What a page sees of itself and every tab of it, but for its own freezing. */
const HINTS: ReadonlySet<Trigger> = new Set<Trigger>(["visible", "hidden", "focus", "online", "offline"]);
/** What the page of every tab must hear. */
const SHARED: ReadonlySet<SyncEvent["type"]> = new Set(["change", "conflict", "failure", "superseded", "auth_needed"]);
