/**
 * A dialog of the browser: focus, Escape and the backdrop are its own. A sheet from below on a phone.
 *
 * Its close button comes last, so that the focus begins in the first field.
 */

import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { useApp } from "../app-context.js";
import { Icon } from "./icons.js";

export function Modal({ title, onClose, children }: { title: string; onClose: () => void; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const { problem } = useApp();
  const id = useId();
  useLayoutEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    // Closed before it goes: the focus returns to where it was.
    return () => shown?.close();
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <h2 id={id} class="dialog-title">{title}</h2>
      <p class="problem" role="alert" hidden={problem === ""}>{problem}</p>
      {children}
      <button type="button" class="quiet icon dialog-close" aria-label="Close" onClick={() => dialog.current?.close()}><Icon name="close" /></button>
    </dialog>
  );
}
