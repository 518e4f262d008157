// Starts the real lastword-server process on a database file of its own, with the page on the same port.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
const run = promisify(execFile);

/** A backend that can be stopped and started again on the same address and file. */
export async function startServer(options = {}) {
  const program = await binary();
  const folder = await mkdtemp(join(tmpdir(), "lastword-server-"));
  const database = join(folder, "server.sqlite");
  const entities = options.entities ?? join(ROOT, "www/entities.json");
  /** A command of the administrator; answers what it printed. */
  const admin = async (...command) => (await run(program, [...command, "--database", database])).stdout.trim();
  await admin("user", "add", "tester");
  const key = (await admin("key", "create", "--user", "tester")).split(/\s+/).at(-1);

  let child;
  let url;
  const server = {
    key,
    admin,
    get url() {
      return url;
    },
    async start() {
      const listen = url ? new URL(url).host : "127.0.0.1:0";
      child = spawn(program, [
        "serve", "--listen", listen, "--database", database, "--entities", entities, "--static", join(ROOT, "www/dist"),
        ...(options.flags ?? []),
      ], { stdio: ["ignore", "pipe", "pipe"] });
      url = await address(child);
    },
    /** Ends the process at once: a real network cut. */
    stop: () => kill(child),
    async close() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
    /** A request as another device or a script would make it. Throws for an answer that is not a success. */
    async request(path, { method = "GET", body, headers = {} } = {}) {
      const answer = await fetch(new URL(path, url), {
        method,
        headers: {
          authorization: `Bearer ${key}`, "x-sync-protocol": "1", accept: "application/json",
          ...(body ? { "content-type": "application/json" } : {}), ...headers,
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
      return answer.json();
    },
    /** Every record of an entity, or those behind a cursor, tombstones included, by id. */
    async records(entity, cursor) {
      const records = new Map();
      do {
        const query = cursor ? `?since=${encodeURIComponent(cursor)}` : "";
        const page = await server.request(`/api/v1/${entity}${query}`);
        for (const record of page.records) records.set(record.id, record);
        cursor = page.cursor;
        if (!page.hasMore) return records;
      } while (true);
    },
    /** Writes records as another device. */
    async push(entity, records) {
      const body = { deviceId: crypto.randomUUID(), records };
      const { results } = await server.request(`/api/v1/${entity}/batch`, {
        method: "POST", body, headers: { "idempotency-key": crypto.randomUUID() },
      });
      return results;
    },
  };
  await server.start();
  return server;
}

/** Kills a process, unless it has ended, and waits for its end. */
export async function kill(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

/** The address the process says it listens on; its complaint when it ends before that. */
async function address(child) {
  let said = "";
  child.stderr.on("data", (chunk) => { said += chunk; });
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    const match = /listening on (http:\/\/\S+)/.exec(line);
    if (match) {
      child.stdout.resume();
      return match[1];
    }
    said += `${line}\n`;
  }
  throw new Error(`the server did not start: ${said}`);
}

async function binary() {
  const target = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
  const places = [process.env.LASTWORD_SERVER, join(target, "release/lastword-server"), join(target, "debug/lastword-server")];
  for (const place of places.filter(Boolean)) {
    if (await access(place).then(() => true, () => false)) return place;
  }
  throw new Error("no lastword-server: run `cargo build -p lastword-server`, or name it in LASTWORD_SERVER");
}
