// WatermelonDB's sync protocol: one request for all that changed since a time, one for all that is sent. Checks nothing.
import { ALL, textOf } from "./session.mjs";

/** `GET /watermelon/sync?last_pulled_at`. The time is the place in the history; zero would be no time at all. */
function pull(session, { method, path, query }) {
  if (method !== "GET" || path !== PATH) return undefined;
  const since = Number(query.get("last_pulled_at") ?? FIRST) - FIRST;
  const page = session.page(ALL, since, Infinity);
  const changes = session.entities.map((name) => {
    const rows = page.items.filter(({ entity }) => entity === name).map((item) => textOf(item, "row", rowJson));
    return `"${name}":{"created":[],"updated":[${rows.join(",")}],"deleted":[]}`;
  });
  return { body: `{"changes":{${changes.join(",")}},"timestamp":${Number(page.cursor) + FIRST}}` };
}

/** `POST /watermelon/sync`. */
function push(session, { method, path, json }) {
  if (method !== "POST" || path !== PATH) return undefined;
  for (const [entity, { created, updated }] of Object.entries(json())) {
    for (const { _status, _changed, ...raw } of [...created, ...updated]) {
      session.accept(entity, { ...raw, sets: JSON.parse(raw.sets) });
    }
  }
  return { body: "{}" };
}

/** A column holds no list, only its text. */
function rowJson({ value: { serverUpdatedAt, version, sets, ...columns } }) {
  return JSON.stringify({ ...columns, sets: JSON.stringify(sets) });
}

export const watermelonRoutes = [pull, push];
const PATH = "/watermelon/sync";
const FIRST = 1;
