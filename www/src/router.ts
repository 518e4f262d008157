/** Which screen the address names (`#/today`). */

import { useEffect, useState } from "preact/hooks";

export const SCREENS = ["today", "history", "library", "plan", "progress", "sync"] as const;
export type Screen = (typeof SCREENS)[number];

export function useScreen(): Screen {
  const [screen, setScreen] = useState(current);
  useEffect(() => {
    const moved = () => setScreen(current());
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  return screen;
}

function current(): Screen {
  return SCREENS.find((screen) => location.hash === `#/${screen}`) ?? "today";
}
