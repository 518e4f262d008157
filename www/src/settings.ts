/**
 * Where to sync, with which key, and who decides when both sides changed a record.
 *
 * The key is kept in sessionStorage: it ends with the tab, so a shared computer does not keep it, and asking for it
 * again is the price. The rest is kept in localStorage.
 */

export interface Settings {
  /** Base URL of the backend. */
  server: string;
  /** API key; empty when sync is off. */
  key: string;
  conflicts: "lastWriteWins" | "manual";
}

export function loadSettings(): Settings {
  return {
    server: localStorage.getItem(SERVER) ?? new URL("/", location.href).href,
    key: sessionStorage.getItem(KEY) ?? "",
    conflicts: localStorage.getItem(CONFLICTS) === "manual" ? "manual" : "lastWriteWins",
  };
}

export function saveSettings({ server, key, conflicts }: Settings): void {
  localStorage.setItem(SERVER, server);
  localStorage.setItem(CONFLICTS, conflicts);
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
}

/** The database named in the address (`?db=`), so that two copies of the app can be kept apart. */
export function databaseName(): string {
  return new URLSearchParams(location.search).get("db") || "workout-log";
}

const SERVER = "server";
const KEY = "key";
const CONFLICTS = "conflicts";
