/** Today's workout: add what was done, one exercise at a time or from a template. */

import { useState } from "preact/hooks";
import { useApp } from "../app-context.js";
import { useRecords } from "../hooks.js";
import type { Row } from "../model.js";
import { LogForm } from "../parts/log-form.js";
import { Logs } from "../parts/logs.js";
import { dayKey } from "../words.js";

export function Today() {
  const { sync, attempt } = useApp();
  const logs = useRecords("workout-logs");
  const exercises = useRecords("exercise-definitions") ?? [];
  const templates = useRecords("workout-templates") ?? [];
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
      <section class="card" aria-labelledby="add-title">
        <h2 id="add-title">Add a log</h2>
        <LogForm
          label="Add" exercises={exercises.map(({ name }) => name)}
          onSave={(log) => attempt(() => entity.put({ ...log, ...named(idOf(log.exercise)), performedAt: Date.now() }))}
        />
        {templates.length > 0 && <TemplateStart templates={templates} onStart={start} />}
      </section>
      <Logs logs={today} empty="Nothing logged today. What you add is kept on this device at once, also offline." />
    </>
  );
}

function TemplateStart({ templates, onStart }: { templates: Row<"workout-templates">[]; onStart: (template: Row<"workout-templates">) => void }) {
  const [chosen, setChosen] = useState(0);
  const template = templates[chosen] ?? templates[0];
  return (
    <form class="row-form" onSubmit={(event) => { event.preventDefault(); if (template) onStart(template); }}>
      <label for="template">Or start from a template</label>
      <select id="template" value={chosen} onChange={({ currentTarget }) => setChosen(Number(currentTarget.value))}>
        {templates.map(({ id, name }, at) => <option key={id} value={at}>{name}</option>)}
      </select>
      <button type="submit">Start</button>
    </form>
  );
}

/** The reference of a log to its exercise, where the library has it. */
function named(exerciseId: string | undefined): { exerciseId?: string } {
  return exerciseId === undefined ? {} : { exerciseId };
}
