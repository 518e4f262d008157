/** All logs by day, newest first. */

import { dayKey, dayWords } from "./words.js";
import type { LoggedSet, StoredLog } from "./model.js";

interface Props {
  logs: StoredLog[] | undefined;
  pending: ReadonlySet<string>;
  onEdit: (log: StoredLog) => void;
  onDelete: (log: StoredLog) => void;
}

export function LogList({ logs, pending, onEdit, onDelete }: Props) {
  if (!logs) return <p class="empty" aria-busy="true">Reading the log…</p>;
  if (logs.length === 0) return <p class="empty">Nothing logged yet. What you add is kept on this device at once, also offline.</p>;
  const days = Object.entries(Object.groupBy(logs, (log) => dayKey(log.performedAt)));
  return (
    <>
      {days.map(([day, ofDay = []]) => (
        <section key={day} aria-label={dayWords(ofDay[0]?.performedAt ?? 0)}>
          <h2 class="day">{dayWords(ofDay[0]?.performedAt ?? 0)}</h2>
          <ul class="logs">
            {ofDay.map((log) => (
              <li key={log.id} class="log" data-id={log.id}>
                <div class="log-words">
                  <h3>{log.exercise}</h3>
                  <p class="sets">{setWords(log.sets)}</p>
                  {log.note && <p class="note">{log.note}</p>}
                </div>
                <div class="log-side">
                  <span class="mark" hidden={!pending.has(log.id)}>Not sent yet</span>
                  <div class="log-actions">
                    <button type="button" class="quiet" aria-label={`Edit ${log.exercise}`} onClick={() => onEdit(log)}>Edit</button>
                    <button type="button" class="quiet" aria-label={`Delete ${log.exercise}`} onClick={() => onDelete(log)}>Delete</button>
                  </div>
                </div>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}

/** `3 × 5 × 100 kg`, runs of equal sets taken together. */
function setWords(sets: LoggedSet[]): string {
  const runs: (LoggedSet & { count: number })[] = [];
  for (const set of sets) {
    const last = runs.at(-1);
    if (last && last.reps === set.reps && last.weight === set.weight) last.count += 1;
    else runs.push({ ...set, count: 1 });
  }
  return runs.map(({ count, reps, weight }) => `${count} × ${reps} × ${weight.toLocaleString()} kg`).join(", ");
}
