/** Where to sync and with which key. */

import { useId, useState } from "preact/hooks";
import { databaseName, type Settings } from "../settings.js";

export function SettingsForm({ settings, onSave }: { settings: Settings; onSave: (settings: Settings) => Promise<boolean> }) {
  const [draft, setDraft] = useState(settings);
  const id = useId();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void onSave({ ...draft, server: draft.server.trim(), key: draft.key.trim() });
  };
  return (
    <form onSubmit={submit}>
      <label for={`${id}-server`}>Server URL</label>
      <input
        id={`${id}-server`} type="url" required value={draft.server} autocomplete="url"
        onInput={({ currentTarget: { value } }) => setDraft((old) => ({ ...old, server: value }))}
      />
      <label for={`${id}-key`}>API key</label>
      <input
        id={`${id}-key`} type="password" value={draft.key} autocomplete="off" aria-describedby={`${id}-about`}
        onInput={({ currentTarget: { value } }) => setDraft((old) => ({ ...old, key: value }))}
      />
      <p id={`${id}-about`} class="about">
        The key is kept for this tab only and forgotten when it closes. Without a key nothing leaves this device.
        Your logs are stored in the database “{databaseName()}” of this browser.
      </p>
      <label class="check">
        <input
          type="checkbox" checked={draft.remember}
          onChange={({ currentTarget: { checked } }) => setDraft((old) => ({ ...old, remember: checked }))}
        />
        Keep the key on this device, so that changes go out with the page closed
      </label>
      <label for={`${id}-conflicts`}>When two devices changed one record</label>
      <select
        id={`${id}-conflicts`} value={draft.conflicts}
        onChange={({ currentTarget: { value } }) => setDraft((old) => ({ ...old, conflicts: value === "manual" ? "manual" : "lastWriteWins" }))}
      >
        <option value="lastWriteWins">the last write wins</option>
        <option value="manual">ask me</option>
      </select>
      <button type="submit" class="main">Save</button>
    </form>
  );
}
