/** Begins a day of a running program, or a template: its exercises become logs of today. */

import { useApp } from "../app-context.js";
import { useRecords } from "../hooks.js";
import type { Row } from "../model.js";

export function QuickStart({ exerciseOf }: { exerciseOf: (name: string) => { exerciseId?: string } }) {
  const { sync, attempt } = useApp();
  const templates = useRecords("workout-templates")?.sort((a, b) => a.name.localeCompare(b.name)) ?? [];
  const programs = useRecords("program-definitions") ?? [];
  const active = useRecords("active-program-instances")?.filter(({ state }) => state === "active") ?? [];
  const running = active.flatMap(({ id, programId, startedAt }) => {
    const program = programs.find((candidate) => candidate.id === programId);
    return program ? [{ id, program, startedAt }] : [];
  });
  const start = (template: Row<"workout-templates">) => attempt(() => sync.entities["workout-logs"].bulkPut(
    template.exercises.map(({ exercise, sets, reps }, at) => ({
      exercise, ...exerciseOf(exercise), performedAt: Date.now() - at, sets: Array.from({ length: sets }, () => ({ reps, weight: 20 })),
    })),
  ));
  const planned = new Set(running.flatMap(({ program }) => program.days.map((day) => day.template)));
  const others = templates.filter(({ name }) => !planned.has(name));
  return (
    <div class="quick">
      {running.map(({ id, program, startedAt }) => {
        const week = Math.min(program.weeks, Math.floor((Date.now() - startedAt) / WEEK_MS) + 1);
        return (
          <section key={id} aria-label={program.name}>
            <p class="about">{program.name} · week {week} of {program.weeks}</p>
            <ul class="chips">
              {program.days.map((day, at) => {
                const template = templates.find(({ name }) => name === day.template);
                return (
                  <li key={at}>
                    <button type="button" disabled={!template} title={template ? "" : `There is no template “${day.template}”`} onClick={() => template && void start(template)}>
                      {day.name}: {day.template}
                    </button>
                  </li>
                );
              })}
            </ul>
          </section>
        );
      })}
      {others.length > 0 && (
        <ul class="chips" aria-label="Start from a template">
          {others.map((template) => (
            <li key={template.id}><button type="button" onClick={() => void start(template)}>Start {template.name}</button></li>
          ))}
        </ul>
      )}
    </div>
  );
}

const WEEK_MS = 7 * 86_400_000;
