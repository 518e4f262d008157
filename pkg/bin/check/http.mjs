// One request and its answer, with the headers that the client sends. Never repeats one, but where it is told to wait.
import { Broken } from "./broken.mjs";

/** Asks the backend of `plan`. The body of the answer is JSON, or undefined where it is not. */
export async function ask(plan, { method, path, query = {}, body, token = plan.token, headers = {}, bytes }) {
  const url = new URL(`${plan.url}${path}`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const what = `${method} ${url.pathname}`;
  for (let waits = 0; ; waits += 1) {
    const response = await fetch(url, {
      method, redirect: "error", cache: "no-store", signal: AbortSignal.timeout(DEADLINE_MS),
      headers: {
        accept: "application/json", "x-sync-protocol": "1", "x-request-id": crypto.randomUUID(),
        ...(token ? { authorization: `Bearer ${token}` } : {}), ...(body || bytes ? { "content-type": "application/json" } : {}),
        ...plan.headers, ...headers,
      },
      body: bytes ?? (body && JSON.stringify(body)),
    }).catch((error) => {
      throw new Broken(`${what} got no answer: ${error.cause?.message ?? error.message}`);
    });
    const text = await response.text().catch(() => {
      throw new Broken(`${what}: the answer ended early`);
    });
    const after = Number(response.headers.get("retry-after") ?? 1);
    if (response.status !== 429 || waits === WAITS_MAX) return { what, status: response.status, headers: response.headers, body: json(response, text) };
    await new Promise((resolve) => setTimeout(resolve, Math.min(after, WAIT_MAX_S) * 1000));
  }
}

function json(response, text) {
  if (!/\bjson\b/.test(response.headers.get("content-type") ?? "")) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const DEADLINE_MS = 30_000;
const WAITS_MAX = 10;
const WAIT_MAX_S = 60;
