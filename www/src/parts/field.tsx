/** One labelled input, select or text area of a form. */

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface Props {
  label: string;
  name: string;
  type?: "text" | "number";
  required?: boolean;
  min?: number;
  max?: number;
  step?: number | "any";
  /** What it holds at first, and again after it was stored. */
  value?: number;
}

export function Field({ label, value, ...input }: Props) {
  const id = useId();
  return (
    <>
      <label for={id}>{label}</label>
      <input id={id} autocomplete="off" {...(value === undefined ? {} : { defaultValue: value })} {...(input as object)} />
    </>
  );
}

export function Choice({ label, name, options }: { label: string; name: string; options: readonly string[] | readonly (readonly [value: string, words: string])[] }) {
  const id = useId();
  return (
    <>
      <label for={id}>{label}</label>
      <select id={id} name={name}>
        {options.map((option) => {
          const [value, words] = typeof option === "string" ? [option, option] : option;
          return <option key={value} value={value}>{words}</option>;
        })}
      </select>
    </>
  );
}

/** A form that hands over its fields by name and empties itself when they were stored. */
export function AddForm({ title, label = "Add", onAdd, children }: {
  title: string; label?: string; onAdd: (fields: (name: string) => string) => Promise<boolean>; children: ComponentChildren;
}) {
  const id = useId();
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const data = new FormData(form);
    if (await onAdd((name) => String(data.get(name) ?? "").trim())) form.reset();
  };
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <form onSubmit={submit}>
        {children}
        <button type="submit" class="main">{label}</button>
      </form>
    </section>
  );
}
