/** Everything about the sync in one place: what waits, what failed, what is in conflict, and what happened. */

import { useEffect, useReducer, useState } from "preact/hooks";
import { useApp } from "../app-context.js";
import { useLive, useStatus } from "../hooks.js";
import { makeSample } from "../sample-data.js";
import { databaseName } from "../settings.js";
import { timeWords } from "../words.js";
import { Conflicts } from "./conflicts.js";
import { logLines, onLogged } from "./event-log.js";
import { Failures } from "./failures.js";

export function SyncScreen() {
  return (
    <>
      <Overview />
      <Conflicts />
      <Failures />
      <Waiting />
      <ThisDevice />
      <EventLog />
    </>
  );
}

function Overview() {
  const status = useStatus();
  const entities = Object.entries(status.entities);
  return (
    <section class="card" aria-labelledby="overview-title">
      <h2 id="overview-title">Status</h2>
      {status.progress && (
        <progress aria-label="Progress of the sync" value={status.progress.total === null ? undefined : status.progress.done} max={status.progress.total ?? undefined} />
      )}
      <dl class="facts">
        <div><dt>State</dt><dd>{status.state.replace("_", " ")}{status.leader ? "" : " · another tab syncs"}</dd></div>
        <div><dt>Waiting to be sent</dt><dd>{status.pending.toLocaleString()}</dd></div>
        <div><dt>Last sync</dt><dd>{status.lastSyncAt === null ? "never" : timeWords(status.lastSyncAt)}</dd></div>
        {status.nextTryAt !== null && <div><dt>Next try</dt><dd>{timeWords(status.nextTryAt)}</dd></div>}
        {status.error && <div><dt>Error</dt><dd>{status.error.message} ({status.error.code})</dd></div>}
      </dl>
      {entities.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Status by kind of record">
          <table>
            <thead><tr><th scope="col">Records</th><th scope="col">Waiting</th><th scope="col">Last push</th><th scope="col">Last pull</th></tr></thead>
            <tbody>
              {entities.map(([name, entity]) => (
                <tr key={name}>
                  <th scope="row">{name}</th><td>{entity.pending}</td>
                  <td>{entity.lastPushAt === null ? "–" : timeWords(entity.lastPushAt)}</td>
                  <td>{entity.lastPullAt === null ? "–" : timeWords(entity.lastPullAt)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Waiting() {
  const { sync } = useApp();
  const changes = useLive(() => sync.pending(), ["status"]) ?? [];
  if (changes.length === 0) return null;
  return (
    <section class="card" aria-labelledby="waiting-title">
      <h2 id="waiting-title">Waiting to be sent</h2>
      <ul class="lines">
        {changes.slice(0, SHOWN).map((change) => (
          <li key={`${change.entity}/${change.id}`}>{change.operation} in {change.entity}{change.error ? ` · ${change.error.message}` : ""}</li>
        ))}
      </ul>
      {changes.length > SHOWN && <p class="about">and {(changes.length - SHOWN).toLocaleString()} more</p>}
    </section>
  );
}

function ThisDevice() {
  const { sync, settings, attempt, openSettings } = useApp();
  const [busy, setBusy] = useState("");
  const run = async (what: string, work: () => Promise<unknown>) => {
    setBusy(what);
    await attempt(work);
    setBusy("");
  };
  const exportUnsynced = async () => {
    const file = new Blob([JSON.stringify(await sync.failures.export(), null, 2)], { type: "application/json" });
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(file), download: "unsynced.json" });
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return (
    <section class="card" aria-labelledby="device-title">
      <h2 id="device-title">This device</h2>
      <p class="about">
        Everything is stored in the database “{databaseName()}” of this browser.
        {settings.key ? ` It is kept the same as ${settings.server}.` : " Sync is off: nothing leaves this device."}
      </p>
      <div class="buttons">
        <button type="button" onClick={openSettings}>Settings</button>
        <button type="button" disabled={busy !== ""} onClick={() => void run("sample", () => makeSample(sync))}>
          {busy === "sample" ? "Adding…" : "Add a year of sample data"}
        </button>
        <button type="button" disabled={busy !== ""} onClick={() => void run("export", exportUnsynced)}>Export what was not sent</button>
        <a class="button" href="./devices.html">Two devices side by side</a>
      </div>
    </section>
  );
}

function EventLog() {
  const [, heard] = useReducer((count: number) => count + 1, 0);
  useEffect(() => onLogged(() => heard(undefined)), []);
  return (
    <section class="card" aria-labelledby="log-title">
      <h2 id="log-title">What happened</h2>
      <div class="scroll tall" tabIndex={0} role="region" aria-label="Newest events">
        <ul class="lines">
          {logLines().map(({ number, at, words }) => <li key={number}><time dateTime={new Date(at).toISOString()}>{timeWords(at)}</time> {words}</li>)}
        </ul>
      </div>
    </section>
  );
}

const SHOWN = 20;
