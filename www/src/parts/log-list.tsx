/** All logs by day, newest first. */

import { dayKey, dayWords } from "../words.js";
import type { LoggedSet, Row } from "../model.js";

type Log = Row<"workout-logs">;

interface Props {
  logs: Log[] | undefined;
  pending: ReadonlySet<string>;
  /** What to say when there is none. */
  empty: string;
  onEdit: (log: Log) => void;
  onDelete: (log: Log) => void;
}

export function LogList({ logs, pending, empty, onEdit, onDelete }: Props) {
  if (!logs) return <p class="empty" aria-busy="true">Reading the log…</p>;
  if (logs.length === 0) return <p class="empty">{empty}</p>;
  const newestFirst = logs.toSorted((a, b) => b.performedAt - a.performedAt || (a.id < b.id ? 1 : -1));
  const days = Object.entries(Object.groupBy(newestFirst, (log) => dayKey(log.performedAt)));
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
