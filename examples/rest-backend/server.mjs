// The smallest backend that lastword can sync with: two routes for each entity, kept in memory. No framework, no
// package. A real one keeps rows, the sequence and the answers in its database, in one transaction for each push.
import { createServer } from "node:http";

const ENTITIES = ["tasks"];
/** By user: the rows, the number of changes accepted so far, and the answers given. */
const users = new Map();

/** Who asks. Look the token up; here `user-1`, `user-2` and so on are users. */
function userOf(request) {
  const [, name] = /^Bearer (user-\w+)$/.exec(request.headers.authorization ?? "") ?? [];
  if (!name) return undefined;
  if (!users.has(name)) users.set(name, { sequence: 0, rows: new Map(), answers: new Map() });
  return users.get(name);
}

/** `GET /api/v1/tasks?since={cursor}&limit={n}`: what was accepted after the cursor, in that order, tombstones too. */
function pull(user, entity, query) {
  const since = Number(query.get("since") ?? 0);
  if (!(since <= user.sequence)) return [400, failure("bad_request", "this cursor is not of this backend")];
  const limit = Math.min(Number(query.get("limit") ?? 1000), 5000);
  const later = [...user.rows.values()].filter((row) => row.entity === entity && row.sequence > since);
  later.sort((a, b) => a.sequence - b.sequence);
  const page = later.slice(0, limit);
  return [200, {
    records: page.map(({ record }) => record),
    cursor: String(page.at(-1)?.sequence ?? since),
    hasMore: later.length > page.length,
    remaining: later.length - page.length,
    serverTime: Date.now(),
  }];
}

/** `POST /api/v1/tasks/batch`: one result for each record. The same key names the same body, and gets the same answer. */
function push(user, entity, key, body) {
  const answered = user.answers.get(key);
  if (answered && answered.body !== body) return [422, failure("key_reused", "this key named another body")];
  if (answered) return [200, answered.answer];
  const seen = new Set();
  const results = JSON.parse(body).records.map(({ _sync, ...record }) => {
    const rejected = (code, message) => ({ id: record.id, status: "rejected", code, message });
    if (seen.has(record.id)) return rejected("duplicate_id", "this id stands twice in the batch");
    seen.add(record.id);
    if (record.clientUpdatedAt > Date.now() + AHEAD_MAX_MS) return rejected("clock_skew", "this time has not come yet");
    if (!record.isDeleted && !record.title) return rejected("invalid", "a task needs a title");
    return store(user, `${entity}/${record.id}`, { entity, record });
  });
  const answer = { results, serverTime: Date.now() };
  user.answers.set(key, { body, answer });
  return [200, answer];
}

/** Keeps the newer copy. The loser is told what won; the copy that is held already changes nothing. */
function store(user, key, { entity, record }) {
  let held = user.rows.get(key)?.record;
  const order = held ? compare(held, record) : -1;
  if (order > 0) return { id: record.id, status: "conflict", record: held };
  if (order < 0) {
    held = { ...record, serverUpdatedAt: Date.now(), version: (held?.version ?? 0) + 1 };
    user.rows.set(key, { entity, record: held, sequence: ++user.sequence });
  }
  return { id: record.id, status: "applied", serverUpdatedAt: held.serverUpdatedAt, version: held.version };
}

/** The later stamp, then the tombstone, then the greater text: the same winner in whatever order copies arrive. */
function compare(a, b) {
  const content = ({ id, clientCreatedAt, clientUpdatedAt, serverUpdatedAt, version, isDeleted, ...fields }) =>
    JSON.stringify(Object.entries(fields).sort());
  return a.clientUpdatedAt - b.clientUpdatedAt || a.isDeleted - b.isDeleted || Buffer.compare(Buffer.from(content(a)), Buffer.from(content(b)));
}

/** The status and the body of the answer to a request. */
function answer(request, body) {
  const { pathname, searchParams } = new URL(request.url, "http://localhost");
  const [, entity, batch] = /^\/api\/v1\/([a-z-]+)(\/batch)?$/.exec(pathname) ?? [];
  if (!ENTITIES.includes(entity)) return [404, failure("not_found", "no such route")];
  const user = userOf(request);
  if (!user) return [401, failure("unauthorized", "sign in")];
  if (request.method === "GET" && !batch) return pull(user, entity, searchParams);
  if (request.method !== "POST" || !batch) return [405, failure("method_not_allowed", "GET, or POST to /batch")];
  if (request.headers["content-encoding"]) return [415, failure("unsupported_media_type", "send it as it is")];
  try {
    return push(user, entity, request.headers["idempotency-key"], body);
  } catch {
    return [400, failure("bad_request", "the body is no batch")];
  }
}

/** The body of every error. */
function failure(code, message) {
  return { error: { code, message, retryable: false } };
}

const AHEAD_MAX_MS = 5 * 60_000;

const server = createServer(async (request, response) => {
  // Only where the page comes from another origin than the API.
  response.setHeader("access-control-allow-origin", "*");
  response.setHeader("access-control-allow-headers", "authorization, content-type, idempotency-key, x-sync-protocol, x-request-id, x-device-id");
  if (request.method === "OPTIONS") return response.writeHead(204).end();
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const [status, body] = answer(request, Buffer.concat(chunks).toString());
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
});
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
