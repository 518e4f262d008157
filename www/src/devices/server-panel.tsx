/** What the server has, as another client of it would see: the newest logs, deleted ones too. */

import { useEffect, useState } from "preact/hooks";
import type { WorkoutLog } from "../model.js";
import type { Settings } from "../settings.js";
import { timeWords } from "../words.js";

type Held = WorkoutLog & { id: string; clientUpdatedAt: number; isDeleted: boolean };

export function ServerPanel({ settings }: { settings: Settings }) {
  const { logs, problem } = useServer(settings);
  return (
    <section class="device" aria-labelledby="server-title">
      <header><h2 id="server-title">Server</h2></header>
      <div class="held">
        {problem && <p class="problem" role="alert">{problem}</p>}
        {!problem && logs?.length === 0 && <p class="about">The server has no log yet. Add one on a device.</p>}
        <ul class="logs">
          {logs?.map(({ id, exercise, note, clientUpdatedAt, isDeleted }) => (
            <li key={id} class="log" data-deleted={isDeleted}>
              <div class="log-words">
                <h3>{exercise} {isDeleted && <span class="kind">deleted</span>}</h3>
                {note && <p class="note">{note}</p>}
                <p class="about">written {timeWords(clientUpdatedAt)}</p>
              </div>
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}

/** Asks for what is new behind the cursor, from time to time. */
function useServer({ server, key }: Settings): { logs?: Held[]; problem?: string } {
  const [shown, setShown] = useState<{ logs?: Held[]; problem?: string }>({});
  useEffect(() => {
    const stop = new AbortController();
    const all = new Map<string, Held>();
    let cursor = "";
    const ask = async (): Promise<void> => {
      const address = new URL(`api/v1/workout-logs${cursor && `?since=${encodeURIComponent(cursor)}`}`, server);
      const answer = await fetch(address, { headers: { authorization: `Bearer ${key}`, "x-sync-protocol": "1" }, signal: stop.signal });
      if (!answer.ok) throw new Error(answer.status === 401 ? "The server does not know this key." : `The server answered ${answer.status}.`);
      const page = (await answer.json()) as { records: Held[]; cursor: string; hasMore: boolean };
      for (const record of page.records) all.set(record.id, record);
      cursor = page.cursor;
      if (page.hasMore) await ask();
    };
    const watch = async () => {
      while (!stop.signal.aborted) {
        try {
          await ask();
          setShown({ logs: [...all.values()].sort((a, b) => b.clientUpdatedAt - a.clientUpdatedAt).slice(0, SHOWN) });
        } catch (error) {
          if (!stop.signal.aborted) setShown({ problem: error instanceof TypeError ? "The server does not answer." : String((error as Error).message) });
        }
        await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
      }
    };
    void watch();
    return () => stop.abort();
  }, [server, key]);
  return shown;
}

const EVERY_MS = 1000;
const SHOWN = 12;
