/** One labelled input, select or text area of a form. */

import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { Icon } from "./icons.js";
import { Modal } from "./modal.js";

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

/** A button that opens a form. It hands over its fields by name and closes when they were stored. */
export function AddForm({ title, onAdd, children }: {
  title: string; onAdd: (fields: (name: string) => string) => Promise<boolean>; children: ComponentChildren;
}) {
  const [open, setOpen] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    if (await onAdd((name) => String(data.get(name) ?? "").trim())) setOpen(false);
  };
  return (
    <>
      <button type="button" class="add" onClick={() => setOpen(true)}><Icon name="plus" />{title}</button>
      {open && (
        <Modal title={title} onClose={() => setOpen(false)}>
          <form onSubmit={submit}>
            {children}
            <button type="submit" class="main">Add</button>
          </form>
        </Modal>
      )}
    </>
  );
}
