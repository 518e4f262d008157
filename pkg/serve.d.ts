/** For an app with a worker of its own: its own wasm, or its own functions as the backend. */

import type { CustomBackend } from "lastword";

/** Opens a core: that of the package, or the `openCore` that `lastword::app!` exports from an app's own wasm. */
export type OpenCore = (options: object, host: object) => Promise<object>;

/** Opens the core of the package's own wasm. */
export const openCore: OpenCore;

/**
 * Answers the page from now on. Call it while the worker's script is first run.
 *
 * `backend` is asked in place of functions on the page: `backend: { style: "custom" }` there.
 */
export function serve(open: OpenCore, backend?: Pick<CustomBackend, "pull" | "push">): void;
