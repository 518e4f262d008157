/** The status in words, the last sync, and the two buttons that belong to it. */

import { useState } from "preact/hooks";
import { useApp } from "../app-context.js";
import { useStatus } from "../hooks.js";
import { Icon } from "../parts/icons.js";
import { isOn } from "../settings.js";
import { minuteWords, pillWords } from "../words.js";

export function SyncBar() {
  const { sync, settings, attempt, openSettings } = useApp();
  const on = isOn(settings);
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
          {status.lastSyncAt === null ? "Never synced" : <>Last sync <time dateTime={new Date(status.lastSyncAt).toISOString()}>{minuteWords(status.lastSyncAt)}</time></>}
        </span>
      </p>
      <div class="sync-actions">
        <button type="button" class="sync-now" aria-label="Sync now" disabled={!on || busy} onClick={syncNow}><Icon name="sync" /><span>Sync now</span></button>
        <button type="button" class="quiet icon" aria-label="Settings" onClick={openSettings}><Icon name="settings" /></button>
      </div>
    </div>
  );
}
