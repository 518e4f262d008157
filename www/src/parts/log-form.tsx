/** One log as a form: to add and to edit. Holds a draft; tells it when it is complete. */

import { useId, useState } from "preact/hooks";
import type { LoggedSet, WorkoutLog } from "../model.js";
import { useFocusNext } from "../focus.js";
import { usePreferences } from "../preferences.js";
import { shownWeight, storedWeight } from "../weights.js";
import { Icon } from "./icons.js";

type Draft = Pick<WorkoutLog, "exercise" | "sets" | "note">;

interface Props {
  label: string;
  log?: WorkoutLog;
  /** Names to offer. */
  exercises?: readonly string[];
  /** True when it was stored. */
  onSave: (log: Draft) => Promise<boolean>;
}

export function LogForm({ label, log, exercises = [], onSave }: Props) {
  const [draft, setDraft] = useState<Draft>(log ?? EMPTY);
  const id = useId();
  const focus = useFocusNext();
  const setSets = (sets: LoggedSet[]) => setDraft((old) => ({ ...old, sets }));
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const note = draft.note?.trim() ?? "";
    await onSave({ exercise: draft.exercise.trim(), sets: draft.sets, note });
  };
  return (
    <form class="log-form" onSubmit={submit}>
      <label for={`${id}-exercise`}>Exercise</label>
      <input
        id={`${id}-exercise`} required maxLength={120} autocomplete="off" list={`${id}-known`} pattern=".*\S.*" title="A name" value={draft.exercise}
        onInput={({ currentTarget: { value } }) => setDraft((old) => ({ ...old, exercise: value }))}
      />
      <datalist id={`${id}-known`}>{exercises.map((name) => <option key={name} value={name} />)}</datalist>
      <fieldset>
        <legend>Sets</legend>
        {draft.sets.map((set, at) => (
          <SetRow
            key={at} number={at + 1} set={set}
            onChange={(next) => setSets(draft.sets.with(at, next))}
            onRemove={draft.sets.length > 1 ? () => { setSets(draft.sets.toSpliced(at, 1)); focus(`${id}-add`); } : undefined}
          />
        ))}
        <button id={`${id}-add`} type="button" onClick={() => setSets([...draft.sets, draft.sets.at(-1) ?? FIRST_SET])}>Add a set</button>
      </fieldset>
      <label for={`${id}-note`}>Note</label>
      <textarea
        id={`${id}-note`} rows={2} maxLength={2000} value={draft.note ?? ""}
        onInput={({ currentTarget: { value } }) => setDraft((old) => ({ ...old, note: value }))}
      />
      <button type="submit" class="main">{label}</button>
    </form>
  );
}

function SetRow({ number, set, onChange, onRemove }: {
  number: number; set: LoggedSet; onChange: (set: LoggedSet) => void; onRemove: (() => void) | undefined;
}) {
  const { unit } = usePreferences();
  return (
    <div class="set-row">
      <span class="set-number" aria-hidden="true">{number}</span>
      <NumberField label={`Set ${number} reps`} short="reps" value={set.reps} step={1} max={1000} onChange={(reps) => onChange({ ...set, reps })} />
      <NumberField label={`Set ${number} weight in ${UNITS[unit]}`} short={unit} value={shownWeight(set.weight, unit)} step="any" max={shownWeight(2000, unit)} onChange={(weight) => onChange({ ...set, weight: storedWeight(weight, unit) })} />
      <button type="button" class="quiet icon" aria-label={`Remove set ${number}`} disabled={!onRemove} onClick={onRemove}><Icon name="close" /></button>
    </div>
  );
}

function NumberField({ label, short, value, step, max, onChange }: {
  label: string; short: string; value: number; step: number | "any"; max: number; onChange: (value: number) => void;
}) {
  return (
    <span class="number-field">
      <input
        type="number" inputMode="decimal" required min={0} max={max} step={step} aria-label={label}
        value={Number.isNaN(value) ? "" : value} onInput={({ currentTarget }) => onChange(currentTarget.valueAsNumber)}
      />
      <span aria-hidden="true">{short}</span>
    </span>
  );
}

const UNITS = { kg: "kilograms", lb: "pounds" };
const FIRST_SET: LoggedSet = { reps: 5, weight: 20 };
const EMPTY: Draft = { exercise: "", sets: [FIRST_SET], note: "" };
