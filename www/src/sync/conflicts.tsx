/** Records that two devices changed, both copies side by side. A person picks one, or a mix of their fields. */

import type { Conflict, ConflictChoice } from "lastword";
import { useState } from "preact/hooks";
import { useApp } from "../app-context.js";
import { useLive } from "../hooks.js";
import type { EntityName } from "../model.js";
import { usePreferences } from "../preferences.js";
import { fieldWords, kindWords, recordWords, timeWords } from "../words.js";

type Side = "local" | "remote";
type Copy = { [field: string]: unknown };

export function Conflicts() {
  const { sync, attempt } = useApp();
  const conflicts = useLive(() => sync.conflicts.list(), ["status", "conflict", "change"]) ?? [];
  if (conflicts.length === 0) return null;
  return (
    <section class="card" aria-labelledby="conflicts-title">
      <h2 id="conflicts-title">In conflict</h2>
      <p class="about">Two devices changed these. Keep one copy, or mix their fields.</p>
      {conflicts.length > 1 && (
        <div class="buttons">
          <button type="button" onClick={() => void attempt(() => sync.conflicts.resolveAll("local"))}>Keep all of mine</button>
          <button type="button" onClick={() => void attempt(() => sync.conflicts.resolveAll("remote"))}>Keep all of the server's</button>
        </div>
      )}
      {conflicts.map((conflict) => (
        <OneConflict
          key={`${conflict.entity}/${conflict.id}`} conflict={conflict}
          onChoose={(choice) => attempt(() => sync.conflicts.resolve(conflict.entity as EntityName, conflict.id, choice))}
        />
      ))}
    </section>
  );
}

function OneConflict({ conflict, onChoose }: { conflict: Conflict; onChoose: (choice: ConflictChoice) => void }) {
  const { unit } = usePreferences();
  const [local, remote] = [conflict.local as Copy, (conflict.remote ?? { isDeleted: true }) as Copy];
  const name = recordWords(conflict.entity, conflict.remote ? { ...conflict.remote, ...local } : local, unit);
  const differing = [...new Set([...Object.keys(local), ...Object.keys(remote)])]
    .filter((name) => !ENVELOPE.has(name) && JSON.stringify(local[name]) !== JSON.stringify(remote[name]));
  const [picks, setPicks] = useState<{ [field: string]: Side }>({});
  const pick = (name: string): Side => picks[name] ?? "local";
  const mixed = () => {
    const merged: Copy = {};
    for (const name of new Set([...Object.keys(local), ...Object.keys(remote)])) {
      const value = differing.includes(name) && pick(name) === "remote" ? remote[name] : local[name];
      if (!ENVELOPE.has(name) && value !== undefined) merged[name] = value;
    }
    onChoose({ merged });
  };
  return (
    <div class="conflict">
      <h3>{name} <span class="kind">{kindWords(conflict.entity).one}</span></h3>
      <div class="scroll" tabIndex={0} role="region" aria-label={`Both copies of ${name}`}>
        <table>
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Mine{edited(local)}</th>
              <th scope="col">Server's{edited(remote)}</th>
            </tr>
          </thead>
          <tbody>
            {differing.map((field) => (
              <tr key={field}>
                <th scope="row">{field}</th>
                {(["local", "remote"] as const).map((side) => (
                  <td key={side}>
                    <label class="pick">
                      <input
                        type="radio" name={`${conflict.id}/${field}`} checked={pick(field) === side}
                        onChange={() => setPicks((old) => ({ ...old, [field]: side }))}
                      />
                      {fieldWords(field, (side === "local" ? local : remote)[field], unit)}
                    </label>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div class="buttons">
        <button type="button" onClick={() => onChoose({ keep: "local" })}>Keep mine</button>
        <button type="button" onClick={() => onChoose({ keep: "remote" })}>Keep the server's</button>
        {differing.length > 1 && <button type="button" onClick={mixed}>Keep this mix</button>}
      </div>
    </div>
  );
}

function edited(copy: Copy): string {
  if (copy["isDeleted"] === true) return ", deleted";
  const at = copy["clientUpdatedAt"];
  return typeof at === "number" ? `, ${timeWords(at)}` : "";
}

const ENVELOPE = new Set(["id", "clientCreatedAt", "clientUpdatedAt", "isDeleted", "serverUpdatedAt", "serverId", "version", "_synced"]);
