/** A program as a form: its name, its weeks, and its days in order, each with the template that it trains. */

import { useId, useState } from "preact/hooks";
import { useFocusNext } from "../focus.js";
import type { Models } from "../model.js";
import { Icon } from "./icons.js";

type Program = Models["program-definitions"];
type Day = Program["days"][number];

interface Props {
  label: string;
  program?: Program;
  /** Names to offer. */
  templates: readonly string[];
  onSave: (program: Pick<Program, "name" | "weeks" | "days">) => Promise<unknown>;
}

export function ProgramForm({ label, program, templates, onSave }: Props) {
  const [{ name, weeks, days }, setDraft] = useState(program ?? EMPTY);
  const id = useId();
  const focus = useFocusNext();
  const change = (fields: Partial<typeof EMPTY>) => setDraft((old) => ({ ...old, ...fields }));
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void onSave({ name: name.trim(), weeks, days: days.map((day) => ({ name: day.name.trim(), template: day.template.trim() })) });
  };
  /** Puts a day in another place; the focus goes with it, on a button that can still be used there. */
  const move = (from: number, to: number) => {
    const moved = days[from];
    if (!moved) return;
    change({ days: days.toSpliced(from, 1).toSpliced(to, 0, moved) });
    const canGoOn = to < from ? to > 0 : to < days.length - 1;
    focus(`${id}-${to}-${to < from === canGoOn ? "up" : "down"}`);
  };
  const add = () => {
    change({ days: [...days, { name: `Day ${days.length + 1}`, template: "" }] });
    focus(`${id}-${days.length}-template`);
  };
  const remove = (at: number) => {
    change({ days: days.toSpliced(at, 1) });
    focus(`${id}-add`);
  };
  return (
    <form onSubmit={submit}>
      <label for={`${id}-name`}>Name</label>
      <input id={`${id}-name`} required maxLength={120} {...NO_BLANK} autocomplete="off" value={name} onInput={({ currentTarget }) => change({ name: currentTarget.value })} />
      <label for={`${id}-weeks`}>Weeks</label>
      <input
        id={`${id}-weeks`} type="number" required min={1} max={104} value={Number.isNaN(weeks) ? "" : weeks}
        onInput={({ currentTarget }) => change({ weeks: currentTarget.valueAsNumber })}
      />
      <fieldset>
        <legend>Days</legend>
        <datalist id={`${id}-known`}>{templates.map((template) => <option key={template} value={template} />)}</datalist>
        <ol class="days">
          {days.map((day, at) => (
            <DayRow
              key={at} id={`${id}-${at}`} known={`${id}-known`} number={at + 1} day={day}
              onChange={(next) => change({ days: days.with(at, next) })}
              onUp={at > 0 ? () => move(at, at - 1) : undefined}
              onDown={at < days.length - 1 ? () => move(at, at + 1) : undefined}
              onRemove={days.length > 1 ? () => remove(at) : undefined}
            />
          ))}
        </ol>
        <button id={`${id}-add`} type="button" disabled={days.length === DAYS_MAX} onClick={add}>Add a day</button>
      </fieldset>
      <button type="submit" class="main">{label}</button>
    </form>
  );
}

type Act = (() => void) | undefined;

function DayRow({ id, known, number, day, onChange, onUp, onDown, onRemove }: {
  id: string; known: string; number: number; day: Day; onChange: (day: Day) => void; onUp: Act; onDown: Act; onRemove: Act;
}) {
  return (
    <li class="day">
      <span class="set-number" aria-hidden="true">{number}</span>
      <input
        required maxLength={60} {...NO_BLANK} autocomplete="off" aria-label={`Day ${number} name`} value={day.name}
        onInput={({ currentTarget }) => onChange({ ...day, name: currentTarget.value })}
      />
      <input
        id={`${id}-template`} required maxLength={120} {...NO_BLANK} autocomplete="off" list={known} placeholder="Template" aria-label={`Day ${number} template`}
        value={day.template} onInput={({ currentTarget }) => onChange({ ...day, template: currentTarget.value })}
      />
      <span class="moves">
        <button id={`${id}-up`} type="button" class="quiet icon" aria-label={`Move day ${number} up`} disabled={!onUp} onClick={onUp}><Icon name="up" /></button>
        <button id={`${id}-down`} type="button" class="quiet icon" aria-label={`Move day ${number} down`} disabled={!onDown} onClick={onDown}><Icon name="down" /></button>
        <button type="button" class="quiet icon" aria-label={`Remove day ${number}`} disabled={!onRemove} onClick={onRemove}><Icon name="close" /></button>
      </span>
    </li>
  );
}

const NO_BLANK = { pattern: ".*\\S.*", title: "A name" };
const EMPTY: Pick<Program, "name" | "weeks" | "days"> = { name: "", weeks: 8, days: [{ name: "Day 1", template: "" }] };
/** A program repeats by the week. */
const DAYS_MAX = 7;
