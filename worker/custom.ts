/** The app's own `pull` and `push` as a backend: they run on the page, or in a worker of the app's. Never retries. */

import type { BackendOptions, CustomBackend } from "lastword";
import { LastwordError } from "./errors.js";

/** What the core asks for. */
export type Exchange =
  | { kind: "pull"; scope: string; cursor: string | null; limit: number }
  | { kind: "push"; scope: string; body: string; idempotencyKey: string };

/** What came of it: JSON text, or why there is none. A failure without a status counts as no connection. */
export type Exchanged =
  | { body: string }
  | { failure: { status?: number; message?: string; retryAfterMs?: number; epoch?: string } };

/** Asks the app's functions. Always answers. */
export async function exchange(backend: BackendOptions, request: Exchange): Promise<Exchanged> {
  try {
    if (backend.style !== "custom" || !backend.pull) throw new LastwordError({ code: "config", message: "this backend has no functions" });
    return { body: JSON.stringify(await asked(backend, request)) ?? "null" };
  } catch (thrown) {
    return { failure: failure(thrown) };
  }
}

function asked(backend: CustomBackend, request: Exchange): Promise<object> | object {
  if (request.kind === "pull") return backend.pull(request.scope, request.cursor, request.limit);
  const { scope, body, idempotencyKey } = request;
  return backend.push(scope, JSON.parse(body) as { deviceId: string; records: object[] }, { idempotencyKey });
}

function failure(thrown: unknown): { status?: number; message?: string; retryAfterMs?: number; epoch?: string } {
  const { status, message, retryAfterMs, epoch } = (thrown ?? {}) as Record<string, unknown>;
  return {
    ...(Number.isInteger(status) ? { status: status as number } : {}),
    ...(typeof message === "string" ? { message } : {}),
    ...(typeof retryAfterMs === "number" && retryAfterMs >= 0 ? { retryAfterMs: Math.round(retryAfterMs) } : {}),
    ...(typeof epoch === "string" ? { epoch } : {}),
  };
}
