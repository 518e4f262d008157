// A REST backend of an app's own: snake case, ISO times, deletion by a time, pages by time and no cursors.
import { test } from "node:test";
import { bareAnswer } from "./bare-page.mjs";
import { openProfile } from "./browser.mjs";
import { startProxy } from "./proxy.mjs";

/** A test with an own backend, which serves the bare page too, and a browser profile. No lastword-server is needed. */
export function own(name, body) {
  test(name, { timeout: TEST_MAX_MS }, async () => {
    const backend = ownBackend();
    const front = await startProxy(() => front.url);
    front.answer = (request) => backend.answer(request) ?? bareAnswer(request);
    const profile = await openProfile();
    try {
      await body({ front, backend, context: profile.context });
    } finally {
      await profile.close();
      await front.close();
    }
  });
}

/** Answers `GET /api/moods` and `POST /sync/moods` from memory; `requests` holds what was asked. */
export function ownBackend() {
  const rows = new Map();
  const requests = [];
  let clock = Date.parse("2026-01-01T00:00:00.000Z");
  const store = (row) => {
    clock += 1000;
    const stored = { ...row, server_updated_at: new Date(clock).toISOString() };
    rows.set(row.id, stored);
    return stored;
  };
  const pull = (query) => {
    const since = query.get("since") ?? "";
    const newer = [...rows.values()].filter((row) => row.server_updated_at > since);
    newer.sort((a, b) => (a.server_updated_at < b.server_updated_at ? -1 : 1));
    return newer.slice(0, Number(query.get("limit")));
  };
  const push = ({ records }) => {
    const results = records.map((record) => {
      const { _sync, ...row } = record;
      const held = rows.get(row.id);
      if (held && held.updated_at > row.updated_at) return { id: row.id, status: "conflict", record: held };
      const { server_updated_at: time } = held?.updated_at === row.updated_at ? held : store(row);
      return { id: row.id, status: "applied", serverUpdatedAt: Date.parse(time) };
    });
    return { results };
  };
  return {
    rows,
    requests,
    store,
    pull,
    push,
    /** The answer to a request, or undefined for one that is not for this backend. */
    answer({ method, path, url, body }) {
      const query = new URL(url, "http://own").searchParams;
      const known = { "GET /api/moods": () => pull(query), "POST /sync/moods": () => push(JSON.parse(body)) };
      const serve = known[`${method} ${path}`];
      if (!serve) return undefined;
      requests.push({ method, path, query: Object.fromEntries(query), body: body.length ? JSON.parse(body) : undefined });
      return { body: serve() };
    },
  };
}

/** The entity that this backend serves, as an app declares it. */
export const MOODS = {
  path: "/api/moods",
  pushPath: "/sync/moods",
  query: { tenant: "a b" },
  times: "iso",
  fields: {
    clientCreatedAt: "created_at", clientUpdatedAt: "updated_at", deletedAt: "deleted_at", serverUpdatedAt: "server_updated_at",
  },
  schema: {
    type: "object", additionalProperties: false, required: ["mood"],
    properties: { mood: { type: "integer" }, note: { type: "string" } },
  },
};

const TEST_MAX_MS = 120_000;
