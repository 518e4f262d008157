/**
 * The backend's stream of pokes: says that something changed, so that a round need not wait for the timer.
 *
 * Never carries a record and never replaces the timer: a poke may be lost without harm. Read by `fetch`, since an
 * EventSource cannot send a token.
 */

import type { HttpBackend } from "lastword";

/** What the stream needs of its worker. */
export interface PokeOptions {
  /** Where the stream is, below the backend's address. */
  readonly path: string;
  readonly backend: HttpBackend;
  token(refresh: boolean): Promise<string | null | undefined>;
  /** The replica, by which a backend refuses one that was revoked, and leaves out pokes for its own pushes. */
  deviceId(): Promise<string>;
  /** Something changed, or may have while nobody listened. */
  poke(): void;
  /** The stream is open, or no longer is. */
  live(is: boolean): void;
}

/** Why a stream ended. */
type End = "cut" | "unreachable" | "refused" | "absent";

/** Keeps one stream open as long as it is wanted. */
export class Pokes {
  readonly #options: PokeOptions;
  #backend: HttpBackend;
  #wanted: AbortController | undefined;
  /** The newest state of the backend that was told of. */
  #cursor: string | undefined;
  /** Ends the wait before the next try. */
  #wake: () => void = quiet;

  constructor(options: PokeOptions) {
    this.#options = options;
    this.#backend = options.backend;
  }

  /** Opens the stream, or closes it. A stream that the backend refuses stays closed until it is no longer wanted. */
  listen(wanted: boolean): void {
    if (wanted === (this.#wanted !== undefined)) return;
    this.#wanted?.abort();
    this.#wanted = wanted ? new AbortController() : undefined;
    if (this.#wanted) void this.#keep(this.#wanted.signal);
  }

  /** There is another backend or token. */
  configure(backend = this.#backend): void {
    this.#backend = backend;
    if (!this.#wanted) return;
    this.listen(false);
    this.listen(true);
  }

  /** The network may be back. */
  hurry(): void {
    this.#wake();
  }

  async #keep(stop: AbortSignal): Promise<void> {
    let refresh = false;
    let failures = 0;
    while (!stop.aborted) {
      const end: End = await this.#stream(stop, refresh).catch(() => "unreachable");
      if (stop.aborted) return;
      if (end === "absent" || (end === "refused" && refresh)) return;
      refresh = end === "refused";
      if (refresh) continue;
      failures = end === "cut" ? 1 : failures + 1;
      await this.#pause(failures, stop);
    }
  }

  /** One connection, to its end. */
  async #stream(stop: AbortSignal, refresh: boolean): Promise<End> {
    const [token, device] = await Promise.all([this.#options.token(refresh), this.#options.deviceId()]);
    const connection = new AbortController();
    const cut = () => connection.abort();
    stop.addEventListener("abort", cut);
    // Covers the connecting too; each sign of life begins it anew.
    let silence = setTimeout(cut, SILENCE_MAX_MS);
    let isLive = false;
    try {
      if (stop.aborted) return "cut";
      const answer = await fetch(this.#backend.url.replace(/\/+$/, "") + this.#options.path, {
        headers: { accept: "text/event-stream", "x-sync-protocol": "1", "x-device-id": device, ...this.#backend.headers, ...(token ? { authorization: `Bearer ${token}` } : {}) },
        cache: "no-store", credentials: "omit", redirect: "error", signal: connection.signal,
      });
      if (answer.status === 401) return "refused";
      if (ABSENT.has(answer.status)) return "absent";
      if (!answer.ok || !answer.body) return "unreachable";
      if (!answer.headers.get("content-type")?.startsWith("text/event-stream")) return "absent";
      const reader = answer.body.getReader();
      const events = new EventParser();
      while (true) {
        const { done, value } = await reader.read();
        if (done) return "cut";
        clearTimeout(silence);
        silence = setTimeout(cut, SILENCE_MAX_MS);
        for (const { name, data } of events.read(value)) {
          if (name === "hello" && !isLive) this.#options.live((isLive = true));
          if (name === "hello" || name === "change") this.#told(name, data);
        }
      }
    } catch {
      return isLive ? "cut" : "unreachable";
    } finally {
      clearTimeout(silence);
      stop.removeEventListener("abort", cut);
      connection.abort();
      if (isLive) this.#options.live(false);
    }
  }

  /** A `hello` that tells what is known already means that nothing was missed. */
  #told(name: string, data: string): void {
    const cursor = cursorOf(data);
    const isOld = name === "hello" && cursor !== undefined && cursor === this.#cursor;
    this.#cursor = cursor;
    if (!isOld) this.#options.poke();
  }

  #pause(failures: number, stop: AbortSignal): Promise<void> {
    const most = Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** (failures - 1));
    return new Promise((resolve) => {
      const over = () => {
        clearTimeout(timer);
        stop.removeEventListener("abort", over);
        resolve();
      };
      // Not all replicas at once, after the backend was away.
      const timer = setTimeout(over, most * (0.5 + Math.random() / 2));
      stop.addEventListener("abort", over);
      this.#wake = over;
    });
  }
}

/** Server-sent events, piece by piece. */
class EventParser {
  readonly #decoder = new TextDecoder();
  #rest = "";
  #name = "";
  #data = "";

  /** The events that are whole with this piece. Throws for a line that no backend of ours sends. */
  read(piece: Uint8Array): { name: string; data: string }[] {
    const lines = (this.#rest + this.#decoder.decode(piece, { stream: true })).split(/\r?\n/);
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length + this.#data.length > EVENT_CHARS_MAX) throw new Error("an event is too long");
    const events = [];
    for (const line of lines) {
      if (line === "") {
        if (this.#name !== "") events.push({ name: this.#name, data: this.#data });
        this.#name = this.#data = "";
      } else if (line.startsWith("event:")) this.#name = line.slice("event:".length).trim();
      else if (line.startsWith("data:")) this.#data += line.slice("data:".length).trim();
    }
    return events;
  }
}

function cursorOf(data: string): string | undefined {
  try {
    const { cursor } = JSON.parse(data) as { cursor?: unknown };
    return typeof cursor === "string" ? cursor : undefined;
  } catch {
    return undefined;
  }
}

function quiet(): void {}

/** The backend has no stream for us: asking again would change nothing. */
const ABSENT: ReadonlySet<number> = new Set([403, 404, 405, 410, 501]);
/** Two heartbeats, which come every 25 s, and some. */
const SILENCE_MAX_MS = 60_000;
const PAUSE_MIN_MS = 1_000;
const PAUSE_MAX_MS = 60_000;
const EVENT_CHARS_MAX = 64 * 1024;
