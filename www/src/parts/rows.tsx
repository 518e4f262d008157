/** A list of records: words on the left, a mark when not sent yet, actions on the right. */

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { useApp } from "../app-context.js";
import { usePendingIds } from "../hooks.js";
import type { EntityName, Row } from "../model.js";
import { leaveRow } from "../focus.js";
import { Empty } from "./empty.js";
import { Icon, type IconName } from "./icons.js";

interface Props<Name extends EntityName> {
  title: string;
  entity: Name;
  rows: Row<Name>[] | undefined;
  icon: IconName;
  empty: string;
  /** What a row is called, and what is told below it. */
  words: (row: Row<Name>) => { name: string; about?: string };
  actions?: (row: Row<Name>) => ComponentChildren;
  /** Stands beside the title: how a row is added. */
  add?: ComponentChildren;
  /** Stands between the title and the rows. */
  children?: ComponentChildren;
}

export function Rows<Name extends EntityName>({ title, entity, rows, icon, empty, words, actions, add, children }: Props<Name>) {
  const { sync, attempt } = useApp();
  const pending = usePendingIds();
  const id = useId();
  return (
    <section aria-labelledby={id}>
      <div class="section-head">
        <h2 id={id}>{title}</h2>
        {add}
      </div>
      {children}
      {rows?.length === 0 && <Empty icon={icon}>{empty}</Empty>}
      <ul class="logs">
        {rows?.map((row) => {
          const { name, about } = words(row);
          return (
            <li key={row.id} class="log" data-id={row.id}>
              <div class="log-words">
                <h3>{name}</h3>
                {about && <p class="note">{about}</p>}
              </div>
              <div class="log-side">
                {pending.has(row.id) && <span class="mark">Not sent yet</span>}
                {actions?.(row)}
                <button type="button" class="quiet icon" aria-label={`Delete ${name}`} onClick={({ currentTarget }) => { leaveRow(currentTarget); void attempt(() => sync.entities[entity].delete(row.id)); }}><Icon name="delete" /></button>
              </div>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
