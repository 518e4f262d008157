// The wire of the resource and of the changeset style, docs/protocol.md sections 4 and 5. The floor and the peers whose
// sync is written by hand use the resource style too: the same bytes for all. Checks nothing.
import { ALL, textOf } from "./session.mjs";

/** `GET /api/v1/{entity}?since&limit`. */
function pull(session, { method, path, query }) {
  const entity = method === "GET" && RESOURCE.exec(path)?.[1];
  if (!entity) return undefined;
  const page = session.page(entity, query.get("since"), Number(query.get("limit") ?? 1000));
  const records = page.items.map((item) => item.json).join(",");
  return { body: `{"records":[${records}],"cursor":"${page.cursor}","hasMore":${page.hasMore},"remaining":${page.remaining},"upTo":${page.upTo},${signed()}}` };
}

/** `POST /api/v1/{entity}/batch`. */
function push(session, { method, path, json }) {
  const entity = method === "POST" && BATCH.exec(path)?.[1];
  if (!entity) return undefined;
  const results = json().records.map((record) => {
    const { applied, value } = session.accept(entity, record);
    if (!applied) return JSON.stringify({ id: value.id, status: "conflict", record: value });
    return `{"id":"${value.id}","status":"applied","serverUpdatedAt":${value.serverUpdatedAt},"version":${value.version}}`;
  });
  return { body: `{"results":[${results.join(",")}],${signed()}}` };
}

/** `POST /v1/sync/download`. */
function download(session, { method, path, json }) {
  if (method !== "POST" || path !== "/v1/sync/download") return undefined;
  const { since, limit = 1000 } = json();
  const page = session.page(ALL, since, limit);
  const changes = page.items.map((item) => textOf(item, "change", changeJson)).join(",");
  return {
    body: `{"server_cursor":"${page.cursor}","has_more":${page.hasMore},"remaining":${page.remaining},"up_to":${page.upTo},"changes":[${changes}],"server_time":${Date.now()},"epoch":"${EPOCH}"}`,
  };
}

function changeJson({ entity, value }) {
  const { id, clientUpdatedAt, isDeleted, serverUpdatedAt, ...data } = value;
  return JSON.stringify({ entity_type: entity, id, data, updated_at: clientUpdatedAt, deleted: isDeleted, server_updated_at: serverUpdatedAt });
}

/** `POST /v1/sync/upload`. */
function upload(session, { method, path, json }) {
  if (method !== "POST" || path !== "/v1/sync/upload") return undefined;
  const applied = [];
  const conflicts = [];
  let up = 0;
  for (const { entity_type: entity, id, data, updated_at: clientUpdatedAt, deleted: isDeleted } of json().changes) {
    const { applied: taken, value } = session.accept(entity, { id, clientUpdatedAt, isDeleted, ...data });
    if (taken) {
      applied.push(id);
      up = value.serverUpdatedAt;
    } else {
      const { id: _, clientUpdatedAt: updated_at, isDeleted: deleted, serverUpdatedAt: server_updated_at, ...kept } = value;
      conflicts.push({ entity_type: entity, id, server: { entity_type: entity, id, data: kept, updated_at, deleted, server_updated_at } });
    }
  }
  return { body: JSON.stringify({ server_cursor: String(up), applied, conflicts, rejected: [], server_time: Date.now(), epoch: EPOCH }) };
}

function signed() {
  return `"serverTime":${Date.now()},"epoch":"${EPOCH}"`;
}

export const lastwordRoutes = [pull, push, download, upload];
const EPOCH = "bench";
const RESOURCE = /^\/api\/v1\/([a-z0-9-]+)$/;
const BATCH = /^\/api\/v1\/([a-z0-9-]+)\/batch$/;
