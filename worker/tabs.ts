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
  | { kind: "alive"; from: string }
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
  /** The tab that last said it leads. */
  #leaderName: string | undefined;
  /** The newest status of the tab that leads, as long as that is another one. */
  #leader: Status | undefined;
  /** Watches the leader as long as something here waits for it. */
  #watch: ReturnType<typeof setInterval> | undefined;
  #unanswered = 0;

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
      const { leader, state, pending } = event.status;
      this.#watchLeader(!leader && state !== "stopped" && (pending > 0 || this.#asked.size > 0));
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
    return this.#round(core).catch((error: { code?: string }) => {
      // The lead passed on in the middle, or the database was lost and made again: whoever leads now has the next try.
      if (error.code !== "fenced") throw error;
      return this.#round(core);
    });
  }

  async #round(core: CoreCalls): Promise<SyncResult> {
    const mode = await core.mode();
    // Before anything else is awaited: the round with which a start begins may still be joined.
    const here = core.syncNow();
    if (mode === "leader") return here;
    const ask = crypto.randomUUID();
    const there = new Promise<SyncResult>((resolve, reject) => this.#asked.set(ask, { resolve, reject, timer: undefined }));
    // Nobody may be left to hear what comes second.
    here.catch(quiet);
    there.catch(quiet);
    try {
      // Where nobody leads, this tab will: only a leader that shows up meanwhile is asked.
      if ((await holderOf(this.#channel.name)) !== undefined) this.#ask(ask);
      const done = await Promise.race([here.then((result) => ({ result, here: true })), there.then((result) => ({ result, here: false }))]);
      // A tab that does not sync by itself was started for this round alone.
      if (!done.here && mode === "stopped") await core.stop();
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
    this.#watchLeader(false);
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

  /**
   * A tab that was frozen before it could hand over keeps its lock and does nothing. The lock is taken from it then, and
   * goes to the next who waits; the fence keeps what it left unfinished from being written later.
   */
  #watchLeader(needed: boolean): void {
    if (needed === (this.#watch !== undefined)) return;
    clearInterval(this.#watch);
    this.#watch = undefined;
    if (!needed) return;
    this.#unanswered = 0;
    let holder: string | undefined;
    this.#watch = setInterval(async () => {
      const held = await holderOf(this.#channel.name);
      if (held === undefined || held !== holder) this.#unanswered = 0;
      holder = held;
      if (++this.#unanswered <= PINGS_MAX) return this.#tell({ kind: "hello" });
      this.#unanswered = 0;
      await takeFrom(held, this.#channel.name);
    }, PING_EVERY_MS);
  }

  /** The leader lives, or another tab leads now and has to be asked again. */
  #leaderSaid(from: string): void {
    const isNew = from !== this.#leaderName;
    this.#leaderName = from;
    this.#unanswered = 0;
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
        if (!this.#leads) return;
        // At once: the status may have to wait for the database.
        this.#tell({ kind: "alive", from: this.#name });
        void core.status().then((status) => this.emit({ type: "status", status }), quiet);
        return;
      case "alive":
        this.#leaderSaid(message.from);
        return;
      case "event":
        this.#emit(message.event);
        if (message.event.type !== "change") return;
        if (message.event.source === "local") void core.trigger("edit");
        if (!this.#leads) void core.status().then((status) => this.emit({ type: "status", status }), quiet);
        return;
      case "status":
        // Two cannot lead: a round finds out by the fence which of the two it is.
        if (this.#leads) return void core.trigger("poke");
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

/** The tab that holds the lead, which is the lock of this name. */
async function holderOf(name: string): Promise<string | undefined> {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  return held.find((lock) => lock.name === name)?.clientId;
}

/** Takes the lead from this tab, unless it has passed on by itself meanwhile; the next who waits for it gets it. */
async function takeFrom(holder: string | undefined, name: string): Promise<void> {
  // One at a time: two who took it together would take it from each other.
  await navigator.locks?.request(`${name}:taking`, { ifAvailable: true }, async (mine) => {
    if (mine && holder !== undefined && (await holderOf(name)) === holder) await navigator.locks.request(name, { steal: true }, quiet);
  });
}

/** A failed read of the status is told by the next one. */
function quiet(): void {}

function noLeader(): LastwordError {
  return new LastwordError({ code: "no_leader", message: "the tab that syncs does not answer: try again, or close it", retryable: true });
}

/** A leader that leaves this many pings unanswered is frozen or stuck. */
const PINGS_MAX = 2;
const PING_EVERY_MS = 5_000;
/** A living leader answers within this, or another one that took its place. */
const ACCEPTED_WITHIN_MS = 20_000;
/** A leader at work tells its status more often than this: the core itself waits no longer for one answer. */
const ROUND_WITHIN_MS = 150_000;
const PASSED_ON: ReadonlySet<string> = new Set(["fenced", "stopped"]);

/** What a page sees of itself and every tab of it, but for its own freezing. */
const HINTS: ReadonlySet<Trigger> = new Set<Trigger>(["visible", "hidden", "focus", "online", "offline"]);
/** What the page of every tab must hear. */
const SHARED: ReadonlySet<SyncEvent["type"]> = new Set(["change", "conflict", "failure", "superseded", "auth_needed"]);
