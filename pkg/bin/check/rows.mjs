// Records to and from what a backend calls their fields. Never asks the backend.

const SYNC_FIELDS = ["id", "clientCreatedAt", "clientUpdatedAt", "isDeleted", "serverUpdatedAt", "serverId", "version"];
const TIMES = ["clientCreatedAt", "clientUpdatedAt", "serverUpdatedAt"];

/** Both ways for an entity's names and times. */
export function mapping({ fields: names, iso }) {
  const name = (field) => names[field] ?? field;
  const time = (ms) => (iso ? new Date(ms).toISOString() : ms);
  const ms = (value) => (typeof value === "string" ? Date.parse(value) : value);
  return {
    time,
    /** A record as the backend has it. */
    toRow({ id, clientCreatedAt, clientUpdatedAt, isDeleted, ...fields }) {
      const row = { ...fields, [name("id")]: id, [name("clientCreatedAt")]: time(clientCreatedAt), [name("clientUpdatedAt")]: time(clientUpdatedAt) };
      if (names.deletedAt) row[names.deletedAt] = isDeleted ? time(clientUpdatedAt) : null;
      else row[name("isDeleted")] = isDeleted;
      return row;
    },
    /** A backend's row as a record. */
    toRecord(row) {
      const record = { ...row };
      for (const field of SYNC_FIELDS) {
        if (name(field) !== field) delete record[name(field)];
        const value = row[name(field)];
        if (value !== undefined) record[field] = TIMES.includes(field) ? ms(value) : value;
      }
      if (names.deletedAt) {
        record.isDeleted = row[names.deletedAt] !== undefined && row[names.deletedAt] !== null;
        delete record[names.deletedAt];
      }
      record.isDeleted ??= false;
      return record;
    },
  };
}

/** An id as the client makes them: UUID v7. */
export function newId() {
  const time = Date.now().toString(16).padStart(12, "0");
  const random = crypto.randomUUID();
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(15)}`;
}
