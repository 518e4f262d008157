/** Changes the backend refused: why, and what can be done. */

import { useApp } from "../app-context.js";
import { useLive } from "../hooks.js";
import type { EntityName } from "../model.js";

export function Failures() {
  const { sync, attempt } = useApp();
  const failures = useLive(() => sync.failures.list(), ["status", "failure"]) ?? [];
  if (failures.length === 0) return null;
  return (
    <section class="card" aria-labelledby="failures-title">
      <h2 id="failures-title">Refused</h2>
      <ul class="lines">
        {failures.map(({ entity, id, code, message }) => (
          <li key={`${entity}/${id}`}>
            <p>{entity}: {message} ({code})</p>
            <div class="buttons">
              <button type="button" onClick={() => void attempt(() => sync.failures.retry(entity as EntityName, id))}>Try again</button>
              <button type="button" onClick={() => void attempt(() => sync.failures.discard(entity as EntityName, id))}>Discard my edit</button>
            </div>
          </li>
        ))}
      </ul>
      <button type="button" onClick={() => void attempt(() => sync.failures.retryAll())}>Try all again</button>
    </section>
  );
}
