/** The one error class of the page, and its form as a plain message. Never decides whether to try again: that is the core's. */

/** An error as it crosses `postMessage`, which drops the custom fields of Error objects. */
export interface PlainError {
  code: string;
  message: string;
  retryable: boolean;
  retryAfterMs?: number | undefined;
  details?: unknown;
  /** Where it was thrown, in the worker. */
  stack?: string | undefined;
}

/** Every error of lastword on the page. */
export class LastwordError extends Error {
  override readonly name = "LastwordError";
  readonly code: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly details: unknown;
  readonly help: string;

  constructor(error: Omit<PlainError, "retryable"> & { retryable?: boolean | undefined }) {
    super(error.message);
    this.code = error.code;
    this.retryable = error.retryable ?? false;
    this.retryAfterMs = error.retryAfterMs;
    this.details = error.details;
    this.help = `errors.md#${error.code}`;
    if (error.stack !== undefined) this.stack = `${this.stack ?? ""}\nin the worker: ${error.stack}`;
  }
}

/** Turns anything thrown into a plain object that survives structured clone. */
export function toPlain(thrown: unknown): PlainError {
  if (!(thrown instanceof Error)) {
    return { code: "internal", message: `a value that is not an Error was thrown: ${String(thrown)}`, retryable: false };
  }
  const typed = thrown as Error & Partial<PlainError>;
  const code = typeof typed.code === "string" ? typed.code : "internal";
  return {
    code,
    message: code === "internal" ? `${thrown.name}: ${thrown.message}` : thrown.message,
    retryable: typed.retryable === true,
    ...(typeof typed.retryAfterMs === "number" ? { retryAfterMs: typed.retryAfterMs } : {}),
    ...(typed.details === undefined ? {} : { details: typed.details }),
    ...(thrown.stack === undefined ? {} : { stack: thrown.stack }),
  };
}
