/**
 * Where to sync, with which key, whether at all, and who decides when both sides changed a record.
 *
 * The key is kept in sessionStorage: it ends with the tab, so a shared computer does not keep it, and asking for it
 * again is the price. Only a user who says so has it kept on the device, and then edits also go out when the page is
 * closed. The rest is kept in localStorage.
 */

import { keepForBackground } from "./shell/background.js";

export interface Settings {
  /** Base URL of the backend. */
  server: string;
  /** API key; empty when signed out. */
  key: string;
  /** Keep the key on this device. */
  remember: boolean;
  /** False while the user wants no sync, though signed in. */
  enabled: boolean;
  conflicts: "lastWriteWins" | "manual";
}

/** Whether anything leaves this device. */
export function isOn({ key, enabled }: Settings): boolean {
  return enabled && key !== "";
}

export function loadSettings(): Settings {
  return {
    server: localStorage.getItem(SERVER) ?? new URL("/", location.href).href,
    key: sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY) ?? "",
    remember: localStorage.getItem(KEY) !== null,
    enabled: localStorage.getItem(ENABLED) !== "no",
    conflicts: localStorage.getItem(CONFLICTS) === "manual" ? "manual" : "lastWriteWins",
  };
}

export async function saveSettings(settings: Settings): Promise<void> {
  const { server, key, remember, enabled, conflicts } = settings;
  localStorage.setItem(SERVER, server);
  localStorage.setItem(CONFLICTS, conflicts);
  localStorage.setItem(ENABLED, enabled ? "yes" : "no");
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
  if (remember && key) localStorage.setItem(KEY, key);
  else localStorage.removeItem(KEY);
  await keepForBackground(remember && isOn(settings) ? { server, key, conflicts, database: databaseName() } : undefined);
}

/** The database named in the address (`?db=`), so that two copies of the app can be kept apart. */
export function databaseName(): string {
  return new URLSearchParams(location.search).get("db") || "workout-log";
}

const SERVER = "server";
const KEY = "key";
const ENABLED = "enabled";
const CONFLICTS = "conflicts";
