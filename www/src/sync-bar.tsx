/** The status in words, the last sync, and the two buttons that belong to it. */

import { useState } from "preact/hooks";
import { useStatus } from "./hooks.js";
import type { AppSync } from "./model.js";
import { pillWords, timeWords } from "./words.js";

interface Props {
  sync: AppSync;
  on: boolean;
  attempt: (work: () => Promise<unknown>) => Promise<boolean>;
  onSettings: () => void;
}

export function SyncBar({ sync, on, attempt, onSettings }: Props) {
  const status = useStatus(sync);
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
        <button type="button" class="quiet" onClick={onSettings}>Settings</button>
      </div>
    </div>
  );
}
