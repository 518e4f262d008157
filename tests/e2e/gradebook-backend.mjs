// Starts the gradebook's own backend, and holds the app's two functions that speak to it.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { kill } from "./server.mjs";

const PROGRAM = fileURLToPath(new URL("gradebook_backend.py", import.meta.url));
const KEY = "gradebook-token";

/** A backend that can be stopped and started again on the same address and file. */
export async function startGradebook() {
  const folder = await mkdtemp(join(tmpdir(), "lastword-gradebook-"));
  let child;
  let url;
  const server = {
    key: KEY,
    get url() {
      return url;
    },
    async start() {
      child = spawn("python3", [PROGRAM, join(folder, "grades.sqlite"), url ? new URL(url).port : "0"], { stdio: ["ignore", "pipe", "inherit"] });
      for await (const line of createInterface({ input: child.stdout })) {
        url = /listening on (\S+)/.exec(line)?.[1];
        if (url) return child.stdout.resume();
      }
      throw new Error("the gradebook's backend did not start");
    },
    stop: () => kill(child),
    async close() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
    async request(path, body) {
      const answer = await fetch(new URL(path, url), {
        method: body ? "POST" : "GET", headers: { authorization: `Bearer ${KEY}` }, ...(body ? { body: JSON.stringify(body) } : {}),
      });
      return answer.json();
    },
    /** Every row of a path, by id. */
    async rows(path) {
      return new Map((await server.request(`${path}?limit=5000`)).items.map((row) => [row.id, row]));
    },
  };
  await server.start();
  return server;
}

/** What the app's author writes: the two functions, as a module that the page imports. Its paths come from the model. */
export function gradebookApp(entities) {
  const paths = Object.fromEntries(Object.entries(entities).map(([name, { path }]) => [name, path]));
  return `
    const PATHS = ${JSON.stringify(paths)};
    async function ask(path, body) {
      const headers = { authorization: "Bearer ${KEY}" };
      const answer = await fetch(path, body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers });
      if (!answer.ok) throw Object.assign(new Error("the gradebook answered " + answer.status), { status: answer.status });
      return answer.json();
    }
    export const backend = {
      style: "custom",
      batchRecords: 50,
      async pull(entity, cursor, limit) {
        const { items, last, more } = await ask(PATHS[entity] + "?since=" + (cursor ?? 0) + "&limit=" + limit);
        return { records: items, cursor: String(last), hasMore: more };
      },
      async push(entity, { records }) {
        const rows = records.map(({ _sync, ...row }) => row);
        const { synced, conflicts, errors } = await ask(PATHS[entity], rows);
        return { results: [
          ...synced.map(({ id, updated_at }) => ({ id, status: "applied", serverUpdatedAt: Date.parse(updated_at) })),
          ...conflicts.map(({ id, server }) => ({ id, status: "conflict", record: server })),
          ...errors.map(({ id, message }) => ({ id, status: "rejected", code: "invalid", message })),
        ] };
      },
    };`;
}
