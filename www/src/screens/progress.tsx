/** Body weight over time, and goals. */

import { useApp } from "../app-context.js";
import { useRecords } from "../hooks.js";
import { GOAL_UNITS, type Models, type Row } from "../model.js";
import { LineChart } from "../parts/chart.js";
import { AddForm, Choice, Field } from "../parts/field.js";
import { Rows } from "../parts/rows.js";
import { usePreferences } from "../preferences.js";
import { shownWeight, storedWeight, weightWords } from "../weights.js";
import { dayWords } from "../words.js";

export function Progress() {
  return (
    <>
      <BodyWeight />
      <Goals />
    </>
  );
}

function BodyWeight() {
  const { sync, attempt } = useApp();
  const { unit } = usePreferences();
  const weights = useRecords("user-bodyweight-logs");
  const newest = weights?.toSorted((a, b) => b.measuredAt - a.measuredAt).slice(0, NEWEST);
  const add = (field: (name: string) => string) => attempt(() => sync.entities["user-bodyweight-logs"].put({
    measuredAt: Date.now(), weight: storedWeight(Number(field("weight")), unit),
  }));
  return (
    <Rows
      title="Body weight" entity="user-bodyweight-logs" rows={newest} icon="progress" empty="No weights yet."
      words={({ weight, measuredAt }) => ({ name: weightWords(weight, unit), about: dayWords(measuredAt) })}
      add={
        <AddForm title="Add a weight" onAdd={add}>
          <Field label={`Weight in ${unit === "lb" ? "pounds" : "kilograms"}`} name="weight" type="number" required min={1} max={shownWeight(1000, unit)} step="any" />
        </AddForm>
      }
    >
      {weights && weights.length > 0 && (
        <div class="card">
          <LineChart title="Body weight" unit={unit} points={weights.map(({ measuredAt, weight }) => ({ at: measuredAt, value: shownWeight(weight, unit) }))} />
        </div>
      )}
    </Rows>
  );
}

function Goals() {
  const { sync, attempt } = useApp();
  const goals = sync.entities["user-goals"];
  const add = (field: (name: string) => string) => attempt(() => goals.put({
    title: field("title"), target: Number(field("target")), unit: field("unit") as Models["user-goals"]["unit"],
  }));
  const toggle = (goal: Row<"user-goals">) => attempt(() => goals.update(goal.id, { doneAt: goal.doneAt ? null : Date.now() }));
  return (
    <Rows
      title="Goals" entity="user-goals" rows={useRecords("user-goals")?.sort((a, b) => a.title.localeCompare(b.title))} icon="plan" empty="No goals yet."
      words={({ title, target, unit, doneAt }) => ({ name: title, about: `${target.toLocaleString()} ${unit}${doneAt ? " · reached" : ""}` })}
      actions={(goal) => (
        <button type="button" class="quiet" aria-label={`${goal.doneAt ? "Reopen" : "Reached"}: ${goal.title}`} onClick={() => void toggle(goal)}>
          {goal.doneAt ? "Reopen" : "Reached"}
        </button>
      )}
      add={
        <AddForm title="Add a goal" onAdd={add}>
          <Field label="Goal" name="title" required />
          <Field label="Target" name="target" type="number" required min={0} max={100000} step="any" />
          <Choice label="Unit" name="unit" options={GOAL_UNITS} />
        </AddForm>
      }
    />
  );
}

const NEWEST = 7;
