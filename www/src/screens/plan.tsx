/** What is planned: templates, programs and how weights go up. */

import { useApp } from "../app-context.js";
import { useRecords } from "../hooks.js";
import type { Models, Row } from "../model.js";
import { AddForm, Choice, Field } from "../parts/field.js";
import { Rows } from "../parts/rows.js";

export function Plan() {
  return (
    <>
      <Templates />
      <Programs />
      <Progression />
    </>
  );
}

function Templates() {
  const { sync, attempt } = useApp();
  const add = (field: (name: string) => string) => attempt(() => sync.entities["workout-templates"].put({
    name: field("name"), exercises: readExercises(field("exercises")),
  }));
  return (
    <Rows
      title="Templates" entity="workout-templates" rows={useRecords("workout-templates")?.sort((a, b) => a.name.localeCompare(b.name))} icon="plan" empty="No templates yet."
      words={({ name, exercises }) => ({ name, about: exercises.map(({ exercise, sets, reps }) => `${exercise} ${sets} × ${reps}`).join(", ") })}
      add={
        <AddForm title="Add a template" onAdd={add}>
          <Field label="Name" name="name" required />
          <Field label="Exercises, as “Squat 3x5, Bench press 3x8”" name="exercises" required />
        </AddForm>
      }
    />
  );
}

function Programs() {
  const { sync, attempt } = useApp();
  const active = useRecords("active-program-instances") ?? [];
  const programs = sync.entities["program-definitions"];
  const instances = sync.entities["active-program-instances"];
  const add = (field: (name: string) => string) => attempt(() => programs.put({
    name: field("name"), weeks: Number(field("weeks")), days: [{ name: "Day 1", template: field("template") }],
  }));
  const running = (program: Row<"program-definitions">) => active.find(({ programId, state }) => programId === program.id && state === "active");
  const toggle = (program: Row<"program-definitions">) => attempt(async () => {
    const instance = running(program);
    if (instance) await instances.update(instance.id, { state: "done" });
    else await instances.put({ programId: program.id, startedAt: Date.now(), week: 1, state: "active" });
  });
  return (
    <Rows
      title="Programs" entity="program-definitions" rows={useRecords("program-definitions")} icon="plan" empty="No programs yet."
      words={(program) => ({
        name: program.name,
        about: `${program.weeks} weeks · ${program.days.map(({ name }) => name).join(", ")}${running(program) ? " · active" : ""}`,
      })}
      actions={(program) => (
        <button type="button" class="quiet" aria-label={`${running(program) ? "End" : "Begin"} ${program.name}`} onClick={() => void toggle(program)}>
          {running(program) ? "End" : "Begin"}
        </button>
      )}
      add={
        <AddForm title="Add a program" onAdd={add}>
          <Field label="Name" name="name" required />
          <Field label="Weeks" name="weeks" type="number" required min={1} max={104} value={8} />
          <Field label="Template of its first day" name="template" required />
        </AddForm>
      }
    />
  );
}

function Progression() {
  const { sync, attempt } = useApp();
  const exercises = useRecords("exercise-definitions") ?? [];
  const applied = useRecords("applied-progression-logs") ?? [];
  const name = (id: string) => exercises.find((exercise) => exercise.id === id)?.name ?? "an exercise that was deleted";
  const add = (field: (name: string) => string) => attempt(() => sync.entities["progression-rules"].put({
    exerciseId: field("exercise"), kind: field("kind") as NonNullable<Models["progression-rules"]["kind"]>,
    step: Number(field("step")), everySessions: Number(field("every")),
  }));
  const newest = (ruleId: string) => applied.filter((log) => log.ruleId === ruleId).sort((a, b) => b.appliedAt - a.appliedAt)[0];
  const apply = ({ id, step }: Row<"progression-rules">) => attempt(() => {
    const from = newest(id)?.to ?? 20;
    return sync.entities["applied-progression-logs"].put({ ruleId: id, appliedAt: Date.now(), from, to: from + step });
  });
  return (
    <Rows
      title="Progression" entity="progression-rules" rows={useRecords("progression-rules")} icon="progress" empty="No rules yet. A rule needs an exercise of the library."
      words={(rule) => {
        const last = newest(rule.id);
        const every = rule.everySessions === 1 ? "every session" : `every ${rule.everySessions} sessions`;
        return { name: name(rule.exerciseId), about: `+${rule.step} kg ${every}${last ? ` · now ${last.to} kg` : ""}` };
      }}
      actions={(rule) => <button type="button" class="quiet" aria-label={`Step up ${name(rule.exerciseId)}`} onClick={() => void apply(rule)}>Step up</button>}
      add={exercises.length > 0 && (
        <AddForm title="Add a progression rule" onAdd={add}>
          <Choice label="Exercise" name="exercise" options={exercises.map((exercise) => [exercise.id, exercise.name] as const)} />
          <Choice label="Kind" name="kind" options={["linear", "double"]} />
          <Field label="Step in kilograms" name="step" type="number" required min={0.25} max={100} step={0.25} value={2.5} />
          <Field label="Every so many sessions" name="every" type="number" required min={1} max={100} value={1} />
        </AddForm>
      )}
    />
  );
}

/** `Squat 3x5, Bench press 3x8` as exercises. Three sets of five where nothing is said. */
function readExercises(words: string): Models["workout-templates"]["exercises"] {
  return words.split(",").map((part) => part.trim()).filter(Boolean).map((part) => {
    const match = /^(.*?)\s+(\d+)\s*[x×]\s*(\d+)$/.exec(part);
    return { exercise: match?.[1] ?? part, sets: Number(match?.[2] ?? 3), reps: Number(match?.[3] ?? 5) };
  });
}
