/** Counts the rest between two sets down. */

import { useEffect, useState } from "preact/hooks";
import { usePreferences } from "../preferences.js";

export function RestTimer() {
  const { restSeconds } = usePreferences();
  const [endsAt, setEndsAt] = useState(0);
  const [now, setNow] = useState(0);
  useEffect(() => {
    if (endsAt === 0) return;
    const tick = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(tick);
  }, [endsAt]);
  const left = Math.max(0, Math.ceil((endsAt - now) / 1000));
  const begin = () => {
    setNow(Date.now());
    setEndsAt(Date.now() + restSeconds * 1000);
  };
  if (endsAt === 0) return <button type="button" class="rest" onClick={begin}>Rest {clock(restSeconds)}</button>;
  return (
    <button type="button" class="rest" data-over={left === 0} onClick={() => setEndsAt(0)}>
      {left > 0 ? `Resting ${clock(left)}` : "Rest is over"}
    </button>
  );
}

/** `2:05`. */
function clock(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

const TICK_MS = 250;
