/** Today's workout: add what was done, one exercise at a time, from a template or by the day of a program. */

import { useState } from "preact/hooks";
import { useApp } from "../app-context.js";
import { useRecords } from "../hooks.js";
import type { Row } from "../model.js";
import { Icon } from "../parts/icons.js";
import { LogForm } from "../parts/log-form.js";
import { Logs } from "../parts/logs.js";
import { Modal } from "../parts/modal.js";
import { RestTimer } from "../parts/rest-timer.js";
import { usePreferences } from "../preferences.js";
import { countWords, dayKey, startOfWeek } from "../words.js";
import { QuickStart } from "./quick-start.js";

export function Today() {
  const { sync, attempt } = useApp();
  const { weekStartsOn } = usePreferences();
  const logs = useRecords("workout-logs");
  const exercises = useRecords("exercise-definitions") ?? [];
  const [adding, setAdding] = useState(false);
  const exerciseOf = (name: string) => {
    const exerciseId = exercises.find((exercise) => exercise.name === name)?.id;
    return exerciseId === undefined ? {} : { exerciseId };
  };
  const today = logs?.filter((log) => dayKey(log.performedAt) === dayKey(Date.now()));

  return (
    <>
      <div class="start">
        <button type="button" class="main" onClick={() => setAdding(true)}><Icon name="plus" />Add a log</button>
        <RestTimer />
        <p class="about">{weekWords(logs ?? [], startOfWeek(Date.now(), weekStartsOn))}</p>
      </div>
      <QuickStart exerciseOf={exerciseOf} />
      <Logs logs={today} empty="Nothing logged today. What you add is kept on this device at once, also offline." />
      {adding && (
        <Modal title="Add a log" onClose={() => setAdding(false)}>
          <LogForm
            label="Add" exercises={exercises.map(({ name }) => name)}
            onSave={(log) => attempt(async () => {
              await sync.entities["workout-logs"].put({ ...log, ...exerciseOf(log.exercise), performedAt: Date.now() });
              setAdding(false);
            })}
          />
        </Modal>
      )}
    </>
  );
}

/** `This week: 2 days, 14 sets`. */
function weekWords(logs: Row<"workout-logs">[], since: number): string {
  const done = logs.filter(({ performedAt }) => performedAt >= since);
  const days = new Set(done.map(({ performedAt }) => dayKey(performedAt))).size;
  return `This week: ${countWords(days, "day")}, ${countWords(done.flatMap(({ sets }) => sets).length, "set")}`;
}
