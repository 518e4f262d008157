/** A plain list of records: words on the left, a mark when not sent yet, actions on the right. */

import type { ComponentChildren } from "preact";
import { useApp } from "../app-context.js";
import { usePendingIds } from "../hooks.js";
import type { EntityName, Row } from "../model.js";

interface Props<Name extends EntityName> {
  title: string;
  entity: Name;
  rows: Row<Name>[] | undefined;
  empty: string;
  /** What a row is called, and what is told below it. */
  words: (row: Row<Name>) => { name: string; about?: string };
  actions?: (row: Row<Name>) => ComponentChildren;
}

export function Rows<Name extends EntityName>({ title, entity, rows, empty, words, actions }: Props<Name>) {
  const { sync, attempt } = useApp();
  const pending = usePendingIds();
  return (
    <section aria-label={title}>
      <h2 class="day">{title}</h2>
      {rows?.length === 0 && <p class="empty">{empty}</p>}
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
                <span class="mark" hidden={!pending.has(row.id)}>Not sent yet</span>
                <div class="log-actions">
                  {actions?.(row)}
                  <button type="button" class="quiet" aria-label={`Delete ${name}`} onClick={() => void attempt(() => sync.entities[entity].delete(row.id))}>Delete</button>
                </div>
              </div>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
