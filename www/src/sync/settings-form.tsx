/** Where to sync, with which key, and whether at all. */

import { useId, useState } from "preact/hooks";
import type { Settings } from "../settings.js";

export function SettingsForm({ settings, onSave }: { settings: Settings; onSave: (settings: Settings) => Promise<boolean> }) {
  const [draft, setDraft] = useState(settings);
  const id = useId();
  const change = (fields: Partial<Settings>) => setDraft((old) => ({ ...old, ...fields }));
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void onSave({ ...draft, server: draft.server.trim(), key: draft.key.trim() });
  };
  return (
    <form onSubmit={submit}>
      <label class="check">
        <input type="checkbox" role="switch" checked={draft.enabled} onChange={({ currentTarget }) => change({ enabled: currentTarget.checked })} />
        Sync with the server
      </label>
      <label for={`${id}-server`}>Server URL</label>
      <input id={`${id}-server`} type="url" required value={draft.server} autocomplete="url" onInput={({ currentTarget }) => change({ server: currentTarget.value })} />
      <label for={`${id}-key`}>API key</label>
      <input
        id={`${id}-key`} type="password" value={draft.key} autocomplete="off" aria-describedby={`${id}-about`}
        onInput={({ currentTarget }) => change({ key: currentTarget.value })}
      />
      <p id={`${id}-about`} class="about">
        The key is kept for this tab only and forgotten when it closes. Without a key nothing leaves this device.
      </p>
      <label class="check">
        <input type="checkbox" checked={draft.remember} onChange={({ currentTarget }) => change({ remember: currentTarget.checked })} />
        Keep the key on this device, so that changes go out with the page closed
      </label>
      <label for={`${id}-conflicts`}>When two devices changed one record</label>
      <select
        id={`${id}-conflicts`} value={draft.conflicts}
        onChange={({ currentTarget: { value } }) => change({ conflicts: value === "manual" ? "manual" : "lastWriteWins" })}
      >
        <option value="lastWriteWins">the last write wins</option>
        <option value="manual">ask me</option>
      </select>
      <button type="submit" class="main">Save</button>
    </form>
  );
}
