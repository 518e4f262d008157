/** All logs by day, newest first. */

import { leaveRow } from "../focus.js";
import { usePreferences } from "../preferences.js";
import { weightWords, type Unit } from "../weights.js";
import { countWords, dayKey, dayWords, setWords } from "../words.js";
import type { Row } from "../model.js";
import { Empty } from "./empty.js";
import { Icon } from "./icons.js";

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
  const { unit } = usePreferences();
  if (!logs) return <p class="empty" aria-busy="true">Reading the log…</p>;
  if (logs.length === 0) return <Empty icon="today">{empty}</Empty>;
  const newestFirst = logs.toSorted((a, b) => b.performedAt - a.performedAt || (a.id < b.id ? 1 : -1));
  const days = Object.entries(Object.groupBy(newestFirst, (log) => dayKey(log.performedAt)));
  return (
    <>
      {days.map(([day, ofDay = []]) => (
        <section key={day} aria-label={dayWords(ofDay[0]?.performedAt ?? 0)}>
          <div class="section-head">
            <h2>{dayWords(ofDay[0]?.performedAt ?? 0)}</h2>
            <p class="about">{totalWords(ofDay, unit)}</p>
          </div>
          <ul class="logs">
            {ofDay.map((log) => (
              <li key={log.id} class="log" data-id={log.id}>
                <div class="log-words">
                  <h3>{log.exercise}</h3>
                  <p class="sets">{setWords(log.sets, unit)}</p>
                  {log.note && <p class="note">{log.note}</p>}
                </div>
                <div class="log-side">
                  {pending.has(log.id) && <span class="mark">Not sent yet</span>}
                  <button type="button" class="quiet icon" aria-label={`Edit ${log.exercise}`} onClick={() => onEdit(log)}><Icon name="edit" /></button>
                  <button type="button" class="quiet icon" aria-label={`Delete ${log.exercise}`} onClick={({ currentTarget }) => { leaveRow(currentTarget); onDelete(log); }}><Icon name="delete" /></button>
                </div>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}

/** `2 exercises · 6 sets · 2,400 kg` of one day. */
function totalWords(logs: Log[], unit: Unit): string {
  const sets = logs.flatMap((log) => log.sets);
  const moved = sets.reduce((sum, { reps, weight }) => sum + reps * weight, 0);
  return `${countWords(logs.length, "exercise")} · ${countWords(sets.length, "set")} · ${weightWords(Math.round(moved), unit)}`;
}
