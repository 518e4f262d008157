/** The newest events of the sync, in words, for the sync screen. Bounded; never holds record contents. */

import type { SyncEvent } from "lastword";
import type { AppSync } from "../model.js";
import { kindWords } from "../words.js";

export interface Line {
  number: number;
  at: number;
  words: string;
}

const lines: Line[] = [];
const listeners = new Set<() => void>();
let count = 0;

/** Listens to every event of `sync` from now on. */
export function keepLog(sync: AppSync): void {
  let state = "";
  sync.on("status", ({ status }) => {
    if (status.state === state) return;
    state = status.state;
    add(status.error ? `${state}: ${status.error.message} (${status.error.code})` : state);
  });
  for (const type of TOLD) sync.on(type, (event) => add(words(event)));
}

export function logLines(): readonly Line[] {
  return lines;
}

export function onLogged(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function add(text: string): void {
  lines.unshift({ number: ++count, at: Date.now(), words: text });
  lines.length = Math.min(lines.length, LINES_MAX);
  for (const listener of listeners) listener();
}

function words(event: SyncEvent): string {
  switch (event.type) {
    case "change": return `${kindWords(event.entity).many}: ${event.ids.length} ${event.source === "remote" ? "arrived" : "changed here"}`;
    case "conflict": return `${kindWords(event.entity).one}: changed on both sides`;
    case "failure": return `${kindWords(event.entity).one} refused: ${event.message} (${event.code})`;
    case "superseded": return `${kindWords(event.entity).one}: an edit lost to a newer one`;
    case "auth_needed": return "the key was not accepted";
    case "signed_out": return event.wiped ? "another tab signed out and wiped the data" : "another tab signed out";
    case "worker_replaced": return "the sync worker was replaced";
    case "log": return `${event.level}: ${event.message}`;
    case "status": case "progress": return event.type;
  }
}

const TOLD = ["change", "conflict", "failure", "superseded", "auth_needed", "signed_out", "worker_replaced", "log"] as const;
const LINES_MAX = 200;
