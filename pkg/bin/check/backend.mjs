// A backend as the checks see it, whatever its style and names: pages of records, and results by id. Never judges them
// beyond their shape.
import { expect } from "./broken.mjs";
import { ask } from "./http.mjs";
import { mapping } from "./rows.mjs";

/** The calls of the plan's style. `pull` and `push` break on an answer that is no page, or no list of results. */
export function openBackend(plan) {
  const style = plan.style === "changeset" ? changeset(plan) : resource(plan);
  const deviceId = crypto.randomUUID();
  return {
    /** Asks for a page; answers whatever came. */
    askPage: (cursor, limit, request = {}) => ask(plan, { ...style.page(cursor, limit, deviceId), ...request }),
    askPush: (records, key = crypto.randomUUID(), request = {}) => {
      const { headers, ...rest } = request;
      return ask(plan, { ...style.batch(records, deviceId), ...rest, headers: { "idempotency-key": key, ...headers } });
    },
    /** The body of a push, as text. */
    bodyOf: (records) => JSON.stringify(style.batch(records, deviceId).body),
    async pull(cursor, limit = PAGE, request) {
      const answer = await this.askPage(cursor, limit, request);
      expect(answer.status === 200 && answer.body, `${answer.what} answered ${described(answer)}, not 200 with JSON`);
      return style.read(answer, limit, cursor);
    },
    async push(records, key, request) {
      const answer = await this.askPush(records, key, request);
      expect(answer.status === 200 && answer.body, `${answer.what} answered ${described(answer)}, not 200 with JSON`);
      return style.results(answer, records);
    },
  };
}

/** A status, with the code where the body has one. */
export function described({ status, body }) {
  const code = body?.error?.code;
  return code ? `${status} (${code})` : body === undefined ? `${status} without JSON` : String(status);
}

function resource(plan) {
  const { entity } = plan;
  const { toRow, toRecord, time } = mapping(entity);
  return {
    page: (cursor, limit) => ({
      method: "GET", path: entity.path,
      query: { ...entity.query, ...(cursor === null ? {} : { since: cursor }), limit },
    }),
    read({ what, body }, limit, cursor) {
      const rows = plan.byTime && Array.isArray(body) ? body : body.records;
      expect(Array.isArray(rows), `${what}: \`records\` must be an array`);
      const records = rows.map(toRecord);
      if (!plan.byTime) return checked(what, { ...body, records });
      const newest = Math.max(...records.map(({ serverUpdatedAt }) => serverUpdatedAt ?? NaN), 0);
      expect(!Number.isNaN(newest), `${what}: a record without serverUpdatedAt`);
      return { records, cursor: newest > 0 ? String(time(Math.max(newest - plan.overlapMs, 0))) : cursor, hasMore: false };
    },
    batch: (records, deviceId) => ({
      method: "POST", path: entity.pushPath, query: entity.query, body: { deviceId, records: records.map(toRow) },
    }),
    results({ what, body }) {
      expect(Array.isArray(body.results), `${what}: \`results\` must be an array`);
      const results = body.results.map((result) => (result.record ? { ...result, record: toRecord(result.record) } : result));
      return { results, serverTime: body.serverTime, epoch: body.epoch };
    },
  };
}

function changeset(plan) {
  const { name } = plan.entity;
  const toChange = ({ id, clientUpdatedAt, isDeleted, ...data }) => ({ entity_type: name, id, data, updated_at: clientUpdatedAt, deleted: isDeleted });
  const toRecord = ({ id, data, updated_at, deleted, server_updated_at }) =>
    ({ ...data, id, clientUpdatedAt: updated_at, isDeleted: deleted ?? false, ...(server_updated_at === undefined ? {} : { serverUpdatedAt: server_updated_at }) });
  return {
    page: (cursor, limit, device_id) => ({
      method: "POST", path: "/v1/sync/download", body: { device_id, limit, ...(cursor === null ? {} : { since: cursor }) },
    }),
    read({ what, body }) {
      expect(Array.isArray(body.changes), `${what}: \`changes\` must be an array`);
      const { server_cursor: cursor, has_more: hasMore, up_to: upTo, server_time: serverTime, remaining, epoch } = body;
      const records = body.changes.filter(({ entity_type }) => entity_type === name).map(toRecord);
      return checked(what, { records, count: body.changes.length, cursor, hasMore, upTo, serverTime, remaining, epoch });
    },
    batch: (records, device_id) => ({ method: "POST", path: "/v1/sync/upload", body: { device_id, changes: records.map(toChange) } }),
    results({ what, body }, sent) {
      for (const list of ["applied", "conflicts", "rejected"]) expect(Array.isArray(body[list]), `${what}: \`${list}\` must be an array`);
      const results = [
        ...body.applied.map((one) => (typeof one === "string" ? { id: one, status: "applied" }
          : { id: one.id, status: "applied", serverUpdatedAt: one.server_updated_at, version: one.version })),
        ...body.conflicts.map(({ id, server }) => ({ id, status: "conflict", record: server && toRecord(server) })),
        ...body.rejected.map(({ id, code, message }) => ({ id, status: "rejected", code, message })),
        ...(body.gone ?? []).map(({ id }) => ({ id, status: "gone" })),
      ];
      // The lists have lost the order of the batch.
      const place = new Map(sent.map(({ id }, index) => [id, index]));
      results.sort((a, b) => (place.get(a.id) ?? Infinity) - (place.get(b.id) ?? Infinity));
      return { results, serverTime: body.server_time, epoch: body.epoch };
    },
  };
}

function checked(what, page) {
  expect(typeof page.cursor === "string" && page.cursor !== "", `${what}: the cursor must be text`);
  expect(Buffer.byteLength(page.cursor) <= CURSOR_BYTES_MAX, `${what}: the cursor is over ${CURSOR_BYTES_MAX} bytes`);
  expect(typeof page.hasMore === "boolean", `${what}: it must say whether there is more, true or false`);
  return { count: page.records.length, ...page };
}

const PAGE = 1000;
const CURSOR_BYTES_MAX = 512;
