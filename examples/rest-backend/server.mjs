// The smallest backend that lastword can sync with: two routes for each entity, kept in memory. No framework, no
// package. A real one keeps rows, the sequence and the answers in its database, in one transaction for each push.
import { createServer } from "node:http";

const ENTITIES = ["tasks"];
/** By user: the rows, the number of changes accepted so far, and the answers given. */
const users = new Map();

/** Who asks. Look the token up; here any token is a user. */
function userOf(request) {
  const token = request.headers.authorization?.replace(/^Bearer /, "");
  if (!token) return undefined;
  if (!users.has(token)) users.set(token, { sequence: 0, rows: new Map(), answers: new Map() });
  return users.get(token);
}

/** `GET /api/v1/tasks?since={cursor}&limit={n}`: what was accepted after the cursor, in that order, tombstones too. */
function pull(user, entity, query) {
  const since = Number(query.get("since") ?? 0);
  const limit = Math.min(Number(query.get("limit") ?? 1000), 5000);
  const later = [...user.rows.values()].filter((row) => row.entity === entity && row.sequence > since);
  later.sort((a, b) => a.sequence - b.sequence);
  const page = later.slice(0, limit);
  return {
    records: page.map(({ record }) => record),
    cursor: String(page.at(-1)?.sequence ?? since),
    hasMore: later.length > page.length,
    remaining: later.length - page.length,
    serverTime: Date.now(),
  };
}

/** `POST /api/v1/tasks/batch`: one result for each record. The newer copy wins; the loser is told what won. */
function push(user, entity, { records }) {
  const results = records.map(({ _sync, ...record }) => {
    const key = `${entity}/${record.id}`;
    const held = user.rows.get(key)?.record;
    if (held && held.clientUpdatedAt > record.clientUpdatedAt) return { id: record.id, status: "conflict", record: held };
    if (!record.isDeleted && !record.title) {
      return { id: record.id, status: "rejected", code: "invalid", message: "a task needs a title" };
    }
    const stored = { ...record, serverUpdatedAt: Date.now(), version: (held?.version ?? 0) + 1 };
    user.rows.set(key, { entity, record: stored, sequence: ++user.sequence });
    return { id: record.id, status: "applied", serverUpdatedAt: stored.serverUpdatedAt, version: stored.version };
  });
  return { results, serverTime: Date.now() };
}

/** The status and the body of the answer to a request. */
function answer(request, body) {
  const { pathname, searchParams } = new URL(request.url, "http://localhost");
  const [, entity, batch] = /^\/api\/v1\/([a-z-]+)(\/batch)?$/.exec(pathname) ?? [];
  if (!ENTITIES.includes(entity)) return [404, { error: { code: "not_found", message: "no such route", retryable: false } }];
  const user = userOf(request);
  if (!user) return [401, { error: { code: "unauthorized", message: "sign in", retryable: false } }];
  if (request.method === "GET" && !batch) return [200, pull(user, entity, searchParams)];
  if (request.method !== "POST" || !batch) return [405, { error: { code: "method", message: "GET, or POST to /batch", retryable: false } }];
  // The same key names the same body: one that was answered before gets the same answer.
  const key = request.headers["idempotency-key"];
  if (!user.answers.has(key)) user.answers.set(key, push(user, entity, JSON.parse(body)));
  return [200, user.answers.get(key)];
}

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
