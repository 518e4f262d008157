/** Today's workout: add what was done, one exercise at a time or from a template. */

import { useState } from "preact/hooks";
import { useApp } from "../app-context.js";
import { useRecords } from "../hooks.js";
import type { Row } from "../model.js";
import { Icon } from "../parts/icons.js";
import { LogForm } from "../parts/log-form.js";
import { Logs } from "../parts/logs.js";
import { Modal } from "../parts/modal.js";
import { dayKey } from "../words.js";

export function Today() {
  const { sync, attempt } = useApp();
  const logs = useRecords("workout-logs");
  const exercises = useRecords("exercise-definitions") ?? [];
  const templates = useRecords("workout-templates")?.sort((a, b) => a.name.localeCompare(b.name)) ?? [];
  const [adding, setAdding] = useState(false);
  const entity = sync.entities["workout-logs"];
  const idOf = (name: string) => exercises.find((exercise) => exercise.name === name)?.id;
  const today = logs?.filter((log) => dayKey(log.performedAt) === dayKey(Date.now()));

  const start = (template: Row<"workout-templates">) => attempt(() => entity.bulkPut(
    template.exercises.map(({ exercise, sets, reps }, at) => ({
      exercise, ...named(idOf(exercise)), performedAt: Date.now() - at, sets: Array.from({ length: sets }, () => ({ reps, weight: 20 })),
    })),
  ));
  return (
    <>
      <div class="start">
        <button type="button" class="main" onClick={() => setAdding(true)}><Icon name="plus" />Add a log</button>
        {templates.length > 0 && (
          <ul class="chips" aria-label="Start from a template">
            {templates.map((template) => (
              <li key={template.id}><button type="button" onClick={() => void start(template)}>Start {template.name}</button></li>
            ))}
          </ul>
        )}
      </div>
      <Logs logs={today} empty="Nothing logged today. What you add is kept on this device at once, also offline." />
      {adding && (
        <Modal title="Add a log" onClose={() => setAdding(false)}>
          <LogForm
            label="Add" exercises={exercises.map(({ name }) => name)}
            onSave={(log) => attempt(async () => {
              await entity.put({ ...log, ...named(idOf(log.exercise)), performedAt: Date.now() });
              setAdding(false);
            })}
          />
        </Modal>
      )}
    </>
  );
}

/** The reference of a log to its exercise, where the library has it. */
function named(exerciseId: string | undefined): { exerciseId?: string } {
  return exerciseId === undefined ? {} : { exerciseId };
}
