/** The handle of one entity: each call goes to the core with the entity's name. Holds no records. */

import type { EntityHandle, RecordStatus } from "lastword";
import type { AnyRecord } from "./core.js";
import { LastwordError } from "./errors.js";
import type { Emitter } from "./emitter.js";
import type { WorkerLink } from "./link.js";

/** The handle of `entity`. */
export function entityHandle(entity: string, { call }: WorkerLink, events: Emitter): EntityHandle<AnyRecord> {
  const statusOf = (id: string) => call("statusOf", entity, id);
  return {
    name: entity,
    put: (record) => call("put", entity, record) as never,
    bulkPut: (records) => call("bulkPut", entity, records) as never,
    update: (id, patch) => call("update", entity, id, patch) as never,
    delete: (id) => call("delete", entity, id),
    bulkDelete: (ids) => call("bulkDelete", entity, ids),
    get: (id) => call("get", entity, id) as never,
    list: (options = {}) => call("list", entity, options) as never,
    statusOf,
    whenSynced: (id) => whenSynced(id, statusOf, events),
    markDirty: (id) => call("markDirty", entity, id),
    markAllDirty: () => call("markAllDirty", entity),
    pending: () => call("pending", entity),
  };
}

/** Looks at the record now and after each status, until it is synced, cannot be without a person, or is no more. */
function whenSynced(id: string, statusOf: (id: string) => Promise<RecordStatus>, events: Emitter): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = async () => {
      const { state, error } = await statusOf(id);
      if (state === "synced") return done(resolve);
      if (state === "unknown") return done(() => reject(refused("not_found", `there is no record \`${id}\` to wait for`)));
      if (state === "conflict") return done(() => reject(refused("conflict", "the record is in conflict: resolve it")));
      if (state === "failed_permanently") return done(() => reject(refused(error?.code ?? "rejected", error?.message ?? "the backend refused the record")));
    };
    const failed = (error: Error) => done(() => reject(error));
    const stop = events.on("status", () => void look().catch(failed));
    const done = (settle: () => void) => {
      stop();
      settle();
    };
    look().catch(failed);
  });
}

function refused(code: string, message: string): LastwordError {
  return new LastwordError({ code, message });
}
