/** Everything about the sync in one place: what waits, what failed, what is in conflict, and what happened. */

import { useEffect, useReducer } from "preact/hooks";
import { useApp } from "../app-context.js";
import { useLive, useStatus } from "../hooks.js";
import { ENTITY_NAMES, type EntityName } from "../model.js";
import { kindWords, recordWords, timeWords } from "../words.js";
import { Conflicts } from "./conflicts.js";
import { logLines, onLogged } from "./event-log.js";
import { Failures } from "./failures.js";
import { ThisDevice } from "./this-device.js";

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
  const entities = ENTITY_NAMES.flatMap((name) => (status.entities[name] ? [[name, status.entities[name]] as const] : []));
  return (
    <section class="card" aria-labelledby="overview-title">
      <div class="section-head">
        <h2 id="overview-title">Status</h2>
        <progress
          aria-label="Progress of the sync" class={status.progress ? "" : "unseen"} aria-hidden={status.progress ? undefined : true}
          value={status.progress && status.progress.total !== null ? status.progress.done : status.progress ? undefined : 0} max={status.progress?.total ?? undefined}
        />
      </div>
      <dl class="facts">
        <div><dt>State</dt><dd>{STATES[status.state]}{status.leader ? "" : " · another tab syncs"}</dd></div>
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
                  <th scope="row">{kindWords(name).many}</th><td>{entity.pending}</td>
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
  const waiting = useLive(async () => {
    const changes = await sync.pending();
    const shown = changes.slice(0, SHOWN).map(async (change) => {
      const record = await sync.entities[change.entity as EntityName].get(change.id);
      return { ...change, name: recordWords(change.entity, record) };
    });
    return { count: changes.length, shown: await Promise.all(shown) };
  }, ["status"]);
  if (!waiting || waiting.count === 0) return null;
  return (
    <section class="card" aria-labelledby="waiting-title">
      <h2 id="waiting-title">Waiting to be sent</h2>
      <ul class="lines">
        {waiting.shown.map(({ entity, id, operation, name, attempts, error }) => (
          <li key={`${entity}/${id}`}>
            {name} <span class="kind">{kindWords(entity).one}</span>
            <span class="about"> {DONE[operation]}{attempts > 0 ? `, tried ${attempts} times` : ""}{error ? `: ${error.message}` : ""}</span>
          </li>
        ))}
      </ul>
      {waiting.count > SHOWN && <p class="about">and {(waiting.count - SHOWN).toLocaleString()} more</p>}
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

const STATES = { idle: "at rest", syncing: "syncing", offline: "no connection", auth_needed: "sign-in needed", failed: "failed, tried again soon", stopped: "stopped" };
const SHOWN = 20;
const DONE = { create: "added", update: "changed", delete: "deleted" };
