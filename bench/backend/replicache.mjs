// Replicache's push and pull, in its "global version" strategy: a patch of all that changed since the cookie. Checks nothing.
import { ALL, textOf } from "./session.mjs";

/** What each session knows of its clients: the last mutation of each, and how many there were in all. */
const groups = new WeakMap();

function groupOf(session) {
  return groups.get(session) ?? groups.set(session, { last: {}, mutations: 0 }).get(session);
}

/** `POST /replicache/pull`. The cookie counts changes and mutations, so that either gives a new one. */
function pull(session, { method, path, json }) {
  if (method !== "POST" || path !== "/replicache/pull") return undefined;
  const { last, mutations } = groupOf(session);
  const page = session.page(ALL, json().cookie?.cursor, Infinity);
  const patch = page.items.map((item) => textOf(item, "put", putJson)).join(",");
  const cookie = { order: Number(page.cursor) + mutations, cursor: page.cursor };
  return { body: `{"cookie":${JSON.stringify(cookie)},"lastMutationIDChanges":${JSON.stringify(last)},"patch":[${patch}]}` };
}

/** `POST /replicache/push`. */
function push(session, { method, path, json }) {
  if (method !== "POST" || path !== "/replicache/push") return undefined;
  const group = groupOf(session);
  for (const { clientID, id, args } of json().mutations) {
    if (id !== (group.last[clientID] ?? 0) + 1) continue;
    for (const record of args.records) session.accept(args.entity, record);
    group.last[clientID] = id;
    group.mutations += 1;
  }
  return { body: "{}" };
}

function putJson({ entity, value, json }) {
  return `{"op":"put","key":"${entity}/${value.id}","value":${json}}`;
}

export const replicacheRoutes = [pull, push];
