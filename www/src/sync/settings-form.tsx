/** Where to sync, with which key and whether at all, for this device; and how the log looks, for every device of a person. */

import { useId, useState } from "preact/hooks";
import { useApp } from "../app-context.js";
import { savePreferences, usePreferences, type Preferences } from "../preferences.js";
import type { Settings } from "../settings.js";

interface Props {
  settings: Settings;
  /** Stores the settings of this device, after what is to be stored as a record. */
  onSave: (settings: Settings, keepPreferences: () => Promise<void>) => Promise<boolean>;
}

export function SettingsForm({ settings, onSave }: Props) {
  const { sync } = useApp();
  const kept = usePreferences();
  const [preferences, setPreferences] = useState(kept);
  const [draft, setDraft] = useState(settings);
  const id = useId();
  const change = (fields: Partial<Settings>) => setDraft((old) => ({ ...old, ...fields }));
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void onSave({ ...draft, server: draft.server.trim(), key: draft.key.trim() }, () => savePreferences(sync, kept, preferences));
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
      <PreferenceFields preferences={preferences} onChange={(fields) => setPreferences((old) => ({ ...old, ...fields }))} />
      <button type="submit" class="main">Save</button>
    </form>
  );
}

function PreferenceFields({ preferences, onChange }: { preferences: Preferences; onChange: (fields: Partial<Preferences>) => void }) {
  const { unit, restSeconds, weekStartsOn } = preferences;
  return (
    <fieldset class="preferences">
      <legend>Training, on all your devices</legend>
      <label>
        Weights in
        <select value={unit} onChange={({ currentTarget: { value } }) => onChange({ unit: value === "lb" ? "lb" : "kg" })}>
          <option value="kg">kilograms</option>
          <option value="lb">pounds</option>
        </select>
      </label>
      <label>
        Rest in seconds
        <input
          type="number" required min={0} max={3600} value={Number.isNaN(restSeconds) ? "" : restSeconds}
          onInput={({ currentTarget }) => onChange({ restSeconds: currentTarget.valueAsNumber })}
        />
      </label>
      <label>
        Week begins on
        <select value={weekStartsOn} onChange={({ currentTarget }) => onChange({ weekStartsOn: Number(currentTarget.value) })}>
          {WEEK_STARTS.map(([day, words]) => <option key={day} value={day}>{words}</option>)}
        </select>
      </label>
    </fieldset>
  );
}

/** As `Date.getDay` counts. */
const WEEK_STARTS = [[1, "Monday"], [0, "Sunday"], [6, "Saturday"]] as const;
