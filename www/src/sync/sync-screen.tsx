/** Everything about the sync in one place: what waits, what failed, what is in conflict, and what happened. */

import { useEffect, useReducer } from "preact/hooks";
import { useApp } from "../app-context.js";
import { useLive, useStatus } from "../hooks.js";
import { ENTITY_NAMES, type EntityName } from "../model.js";
import { usePreferences } from "../preferences.js";
import { kindWords, recordWords, timeWords } from "../words.js";
import { Conflicts } from "./conflicts.js";
import { logLines, onLogged } from "./event-log.js";
import { Failures } from "./failures.js";
import { ThisDevice } from "./this-device.js";

export function SyncScreen() {
  return (
    <>
      <div class="column">
        <Overview />
        <Conflicts />
        <Failures />
        <Waiting />
        <EventLog />
      </div>
      <div class="column">
        <ThisDevice />
        <Kinds />
      </div>
    </>
  );
}

function Overview() {
  const status = useStatus();
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
        <div><dt>Waiting</dt><dd>{status.pending.toLocaleString()}</dd></div>
        <div><dt>Last sync</dt><dd>{status.lastSyncAt === null ? "never" : timeWords(status.lastSyncAt)}</dd></div>
        <div><dt>Next try</dt><dd>{status.nextTryAt === null ? "–" : timeWords(status.nextTryAt)}</dd></div>
        <div><dt>Error</dt><dd>{status.error ? `${status.error.message} (${status.error.code})` : "none"}</dd></div>
      </dl>
    </section>
  );
}

function Kinds() {
  const { entities } = useStatus();
  const moment = (at: number | null | undefined) => (at ? timeWords(at) : "–");
  return (
    <section class="card" aria-labelledby="kinds-title">
      <h2 id="kinds-title">By kind of record</h2>
      <div class="scroll kinds" tabIndex={0} role="region" aria-label="Status by kind of record">
        <table>
          <thead><tr><th scope="col">Records</th><th scope="col">Waiting</th><th scope="col">Last push</th><th scope="col">Last pull</th></tr></thead>
          <tbody>
            {ENTITY_NAMES.map((name) => (
              <tr key={name}>
                <th scope="row">{kindWords(name).many}</th><td>{entities[name]?.pending ?? 0}</td>
                <td>{moment(entities[name]?.lastPushAt)}</td><td>{moment(entities[name]?.lastPullAt)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Waiting() {
  const { sync } = useApp();
  const { unit } = usePreferences();
  const waiting = useLive(async () => {
    const changes = await sync.pending();
    const shown = changes.slice(0, SHOWN).map(async (change) => {
      const record = await sync.entities[change.entity as EntityName].get(change.id);
      return { ...change, record };
    });
    return { count: changes.length, shown: await Promise.all(shown) };
  }, ["status"]);
  return (
    <section class="card" aria-labelledby="waiting-title">
      <h2 id="waiting-title">Waiting to be sent</h2>
      <div class="scroll short" tabIndex={0} role="region" aria-label="What waits">
        {waiting?.count === 0 && <p class="about">Nothing waits. What you change stands here until the server has it.</p>}
        <ul class="lines">
          {waiting?.shown.map(({ entity, id, operation, record, attempts, error }) => (
            <li key={`${entity}/${id}`}>
              {recordWords(entity, record, unit)} <span class="kind">{kindWords(entity).one}</span>
              <span class="about"> {DONE[operation]}{attempts > 0 ? `, tried ${attempts} times` : ""}{error ? `: ${error.message}` : ""}</span>
            </li>
          ))}
        </ul>
        {waiting && waiting.count > SHOWN && <p class="about">and {(waiting.count - SHOWN).toLocaleString()} more</p>}
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

const STATES = { idle: "at rest", syncing: "syncing", offline: "no connection", auth_needed: "sign-in needed", failed: "failed, tried again soon", stopped: "stopped" };
const SHOWN = 20;
const DONE = { create: "added", update: "changed", delete: "deleted" };
