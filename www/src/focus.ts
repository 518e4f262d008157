/** Where the focus goes when what had it goes: never lost to the page. */

import { useLayoutEffect, useRef } from "preact/hooks";

/** Focuses the element of an id as soon as what was asked for is drawn. */
export function useFocusNext(): (id: string) => void {
  const wanted = useRef("");
  useLayoutEffect(() => {
    if (wanted.current) document.getElementById(wanted.current)?.focus();
    wanted.current = "";
  });
  return (id) => {
    wanted.current = id;
  };
}

/** Moves the focus from a button of a row that is about to go to the first button of the row beside, else to the screen. */
export function leaveRow(button: HTMLElement): void {
  const row = button.closest("li");
  const beside = row?.nextElementSibling ?? row?.previousElementSibling;
  const next = beside?.querySelector("button") ?? document.querySelector("main");
  next?.focus();
}
