/** What this device holds, and what can be done with it: sample data, export, sign out. */

import { useEffect, useState } from "preact/hooks";
import { useApp } from "../app-context.js";
import { ENTITY_NAMES } from "../model.js";
import { makeSample } from "../sample-data.js";
import { databaseName, isOn } from "../settings.js";
import { SignOut } from "./sign-out.js";

export function ThisDevice() {
  const { sync, settings, attempt, openSettings } = useApp();
  const [busy, setBusy] = useState("");
  const [leaving, setLeaving] = useState(false);
  const [deviceId, setDeviceId] = useState("");
  useEffect(() => void sync.deviceId().then(setDeviceId, () => {}), [sync]);
  const run = async (what: string, work: () => Promise<unknown>) => {
    setBusy(what);
    await attempt(work);
    setBusy("");
  };
  const exportAll = async () => {
    const lists = ENTITY_NAMES.map(async (name) => [name, await sync.entities[name].list()] as const);
    save("workout-log.json", Object.fromEntries(await Promise.all(lists)));
  };
  return (
    <section class="card" aria-labelledby="device-title">
      <h2 id="device-title">This device</h2>
      <dl class="facts">
        <div><dt>Sync</dt><dd>{isOn(settings) ? "on" : settings.key ? "switched off" : "off: no key"}</dd></div>
        <div><dt>Server</dt><dd>{settings.server}</dd></div>
        <div><dt>Device</dt><dd><code>{deviceId}</code></dd></div>
        <div><dt>Database</dt><dd>“{databaseName()}” of this browser</dd></div>
      </dl>
      <details>
        <summary>What is stored where</summary>
        <ul class="about">
          <li>Your logs, and the edits not yet sent: in the database of this browser, readable by who can open this browser.</li>
          <li>With sync on, a copy of every log: on the server, for your key alone.</li>
          <li>The key: in this tab until it closes; on this device only where you asked for it.</li>
        </ul>
      </details>
      <div class="buttons">
        <button type="button" onClick={openSettings}>Settings</button>
        <button type="button" disabled={busy !== ""} onClick={() => void run("sample", () => makeSample(sync))}>
          {busy === "sample" ? "Adding…" : "Add a year of sample data"}
        </button>
        <button type="button" disabled={busy !== ""} onClick={() => void run("export", exportAll)}>Export everything</button>
        <button type="button" disabled={busy !== ""} onClick={() => void run("export", async () => save("unsynced.json", await sync.failures.export()))}>Export what was not sent</button>
        <a class="button" href="./devices.html">Two devices side by side</a>
        {settings.key && <button type="button" onClick={() => setLeaving(true)}>Sign out…</button>}
      </div>
      {leaving && <SignOut onClose={() => setLeaving(false)} />}
    </section>
  );
}

/** Gives the browser a file to keep. */
function save(name: string, content: object): void {
  const file = new Blob([JSON.stringify(content, null, 2)], { type: "application/json" });
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(file), download: name });
  link.click();
  URL.revokeObjectURL(link.href);
}
