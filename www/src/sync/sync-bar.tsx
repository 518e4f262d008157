/** The status in words, the last sync, and the two buttons that belong to it. */

import { useState } from "preact/hooks";
import { useApp } from "../app-context.js";
import { useStatus } from "../hooks.js";
import { pillWords, timeWords } from "../words.js";

export function SyncBar() {
  const { sync, settings, attempt, openSettings } = useApp();
  const on = settings.key !== "";
  const status = useStatus();
  const [busy, setBusy] = useState(false);
  const { tone, text } = pillWords(status, on);
  const syncNow = async () => {
    setBusy(true);
    await attempt(() => sync.syncNow());
    setBusy(false);
  };
  return (
    <div class="sync-bar">
      <p class="sync-words">
        <span class="pill" role="status" data-tone={tone} data-state={status.state} data-pending={status.pending}>{text}</span>
        <span class="last">
          {status.lastSyncAt === null ? "Never synced" : <>Last sync <time dateTime={new Date(status.lastSyncAt).toISOString()}>{timeWords(status.lastSyncAt)}</time></>}
        </span>
      </p>
      <div class="sync-actions">
        <button type="button" disabled={!on || busy} onClick={syncNow}>Sync now</button>
        <button type="button" class="quiet icon" aria-label="Settings" onClick={openSettings}><SettingsIcon /></button>
      </div>
    </div>
  );
}

/** Two sliders. */
function SettingsIcon() {
  return (
    <svg viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" aria-hidden="true">
      <path d="M4 8h9M19 8h1M4 16h1M11 16h9" />
      <circle cx="16" cy="8" r="3" />
      <circle cx="8" cy="16" r="3" />
    </svg>
  );
}
