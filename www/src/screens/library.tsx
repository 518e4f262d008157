/** The exercise library. */

import { useApp } from "../app-context.js";
import { useRecords } from "../hooks.js";
import { EQUIPMENT, MUSCLES, type Models } from "../model.js";
import { AddForm, Choice, Field } from "../parts/field.js";
import { Rows } from "../parts/rows.js";

type Exercise = Models["exercise-definitions"];

export function Library() {
  const { sync, attempt } = useApp();
  const exercises = useRecords("exercise-definitions")?.sort((a, b) => a.name.localeCompare(b.name));
  const add = (field: (name: string) => string) => attempt(() => sync.entities["exercise-definitions"].put({
    name: field("name"), muscle: field("muscle") as Exercise["muscle"], equipment: field("equipment") as NonNullable<Exercise["equipment"]>,
  }));
  return (
    <Rows
      title="Exercises" entity="exercise-definitions" rows={exercises} icon="library" empty="The library is empty. Logs can be added without it."
      words={({ name, muscle, equipment }) => ({ name, about: [muscle, equipment].filter(Boolean).join(" · ") })}
      add={
        <AddForm title="Add an exercise" onAdd={add}>
          <Field label="Name" name="name" required />
          <Choice label="Muscle" name="muscle" options={MUSCLES} />
          <Choice label="Equipment" name="equipment" options={EQUIPMENT} />
        </AddForm>
      }
    />
  );
}
