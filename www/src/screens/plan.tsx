/** What is planned: programs, templates and how weights go up. */

import { useState } from "preact/hooks";
import { useApp } from "../app-context.js";
import { useRecords } from "../hooks.js";
import type { Models, Row } from "../model.js";
import { AddForm, Choice, Field } from "../parts/field.js";
import { Icon } from "../parts/icons.js";
import { Modal } from "../parts/modal.js";
import { ProgramForm } from "../parts/program-form.js";
import { Rows } from "../parts/rows.js";
import { usePreferences } from "../preferences.js";
import { storedWeight, weightWords } from "../weights.js";

export function Plan() {
  return (
    <>
      <div class="column">
        <Programs />
        <Templates />
      </div>
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
  /** The program in the form; without an id it is a new one. */
  const [editing, setEditing] = useState<Partial<Row<"program-definitions">>>();
  const active = useRecords("active-program-instances") ?? [];
  const templates = useRecords("workout-templates")?.map(({ name }) => name) ?? [];
  const programs = sync.entities["program-definitions"];
  const instances = sync.entities["active-program-instances"];
  const running = (program: Row<"program-definitions">) => active.find(({ programId, state }) => programId === program.id && state === "active");
  const toggle = (program: Row<"program-definitions">) => attempt(async () => {
    const instance = running(program);
    if (instance) await instances.update(instance.id, { state: "done" });
    else await instances.put({ programId: program.id, startedAt: Date.now(), week: 1, state: "active" });
  });
  return (
    <>
      <Rows
        title="Programs" entity="program-definitions" rows={useRecords("program-definitions")} icon="plan" empty="No programs yet. A program is a week of templates, repeated."
        words={(program) => ({
          name: program.name,
          about: `${running(program) ? "Active · " : ""}${program.weeks} weeks · ${program.days.map(({ name, template }) => `${name}: ${template}`).join(", ")}`,
        })}
        actions={(program) => (
          <>
            <button type="button" class="quiet" aria-label={`${running(program) ? "End" : "Begin"} ${program.name}`} onClick={() => void toggle(program)}>
              {running(program) ? "End" : "Begin"}
            </button>
            <button type="button" class="quiet icon" aria-label={`Edit ${program.name}`} onClick={() => setEditing(program)}><Icon name="edit" /></button>
          </>
        )}
        add={<button type="button" class="add" onClick={() => setEditing({})}><Icon name="plus" />Add a program</button>}
      />
      {editing && (
        <Modal title={editing.id ? "Edit program" : "Add a program"} onClose={() => setEditing(undefined)}>
          <ProgramForm
            label={editing.id ? "Save" : "Add"} templates={templates} {...(editing.id ? { program: editing as Row<"program-definitions"> } : {})}
            onSave={(program) => attempt(async () => {
              if (editing.id) await programs.update(editing.id, program);
              else await programs.put(program);
              setEditing(undefined);
            })}
          />
        </Modal>
      )}
    </>
  );
}

function Progression() {
  const { sync, attempt } = useApp();
  const { unit } = usePreferences();
  const exercises = useRecords("exercise-definitions") ?? [];
  const applied = useRecords("applied-progression-logs") ?? [];
  const name = (id: string) => exercises.find((exercise) => exercise.id === id)?.name ?? "an exercise that was deleted";
  const add = (field: (name: string) => string) => attempt(() => sync.entities["progression-rules"].put({
    exerciseId: field("exercise"), kind: field("kind") as NonNullable<Models["progression-rules"]["kind"]>,
    step: storedWeight(Number(field("step")), unit), everySessions: Number(field("every")),
  }));
  const steps = (ruleId: string) => applied.filter((log) => log.ruleId === ruleId).sort((a, b) => b.appliedAt - a.appliedAt);
  const apply = ({ id, step }: Row<"progression-rules">) => attempt(() => {
    const from = steps(id)[0]?.to ?? 20;
    return sync.entities["applied-progression-logs"].put({ ruleId: id, appliedAt: Date.now(), from, to: from + step });
  });
  return (
    <Rows
      title="Progression" entity="progression-rules" rows={useRecords("progression-rules")?.sort((a, b) => name(a.exerciseId).localeCompare(name(b.exerciseId)))} icon="progress" empty="No rules yet. A rule needs an exercise of the library."
      words={(rule) => {
        const [last, ...before] = steps(rule.id);
        const every = rule.everySessions === 1 ? "every session" : `every ${rule.everySessions} sessions`;
        const now = last ? ` · now ${weightWords(last.to, unit)}, step ${before.length + 1} on ${new Date(last.appliedAt).toLocaleDateString()}` : "";
        return { name: name(rule.exerciseId), about: `+${weightWords(rule.step, unit)} ${every}${now}` };
      }}
      actions={(rule) => <button type="button" class="quiet" aria-label={`Step up ${name(rule.exerciseId)}`} onClick={() => void apply(rule)}>Step up</button>}
      add={exercises.length > 0 && (
        <AddForm title="Add a progression rule" onAdd={add}>
          <Choice label="Exercise" name="exercise" options={exercises.map((exercise) => [exercise.id, exercise.name] as const)} />
          <Choice label="Kind" name="kind" options={["linear", "double"]} />
          <Field label={`Step in ${unit === "lb" ? "pounds" : "kilograms"}`} name="step" type="number" required min={0.25} max={100} step="any" value={2.5} />
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
