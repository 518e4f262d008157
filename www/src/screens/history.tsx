/** Every workout, newest first, found by exercise. */

import { useState } from "preact/hooks";
import { useRecords } from "../hooks.js";
import { Logs } from "../parts/logs.js";
import { countWords } from "../words.js";

export function History() {
  const logs = useRecords("workout-logs");
  const [search, setSearch] = useState("");
  const [shown, setShown] = useState(PAGE);
  const wanted = search.trim().toLowerCase();
  const found = logs?.filter(({ exercise, note = "" }) => `${exercise} ${note}`.toLowerCase().includes(wanted));
  const newest = found?.sort((a, b) => b.performedAt - a.performedAt).slice(0, shown);
  return (
    <>
      <section class="search" aria-label="Find a log">
        <label for="search">Find an exercise or a note</label>
        <input id="search" type="search" value={search} onInput={({ currentTarget }) => setSearch(currentTarget.value)} />
        <p class="about" aria-live="polite">{found ? countWords(found.length, "log") : "Reading the log…"}</p>
      </section>
      <Logs logs={newest} empty={wanted ? "No log has these words." : "Nothing logged yet."} />
      {found && found.length > shown && <button type="button" onClick={() => setShown(shown + PAGE)}>Show more</button>}
    </>
  );
}

const PAGE = 60;
