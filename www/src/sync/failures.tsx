/** Changes the backend refused: what, why, and what can be done. */

import { useApp } from "../app-context.js";
import { leaveRow } from "../focus.js";
import { useLive } from "../hooks.js";
import type { EntityName } from "../model.js";
import { usePreferences } from "../preferences.js";
import { kindWords, recordWords } from "../words.js";

export function Failures() {
  const { sync, attempt } = useApp();
  const { unit } = usePreferences();
  const failures = useLive(async () => Promise.all((await sync.failures.list()).map(async (failure) => {
    const record = await sync.entities[failure.entity as EntityName].get(failure.id);
    return { ...failure, record };
  })), ["status", "failure"]) ?? [];
  if (failures.length === 0) return null;
  return (
    <section class="card" aria-labelledby="failures-title">
      <div class="section-head">
        <h2 id="failures-title">Refused</h2>
        <button type="button" onClick={() => void attempt(() => sync.failures.retryAll())}>Try all again</button>
      </div>
      <p class="about">The server did not take these. They are kept on this device until you correct or discard them.</p>
      <ul class="lines">
        {failures.map(({ entity, id, code, message, attempts, record }) => {
          const name = recordWords(entity, record, unit);
          return (
            <li key={`${entity}/${id}`} class="failure">
              <h3>{name} <span class="kind">{kindWords(entity).one}</span></h3>
              <p>{message} <span class="about">({code}, tried {attempts} times)</span></p>
              <div class="buttons">
                <button type="button" aria-label={`Try again: ${name}`} onClick={({ currentTarget }) => { leaveRow(currentTarget); void attempt(() => sync.failures.retry(entity as EntityName, id)); }}>Try again</button>
                <button type="button" aria-label={`Discard my edit of ${name}`} onClick={({ currentTarget }) => { leaveRow(currentTarget); void attempt(() => sync.failures.discard(entity as EntityName, id)); }}>Discard my edit</button>
              </div>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
