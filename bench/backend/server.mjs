// A backend in memory on a free port, the same for every contender. It also serves the pages of the contenders.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { gunzipSync } from "node:zlib";
import { couchRoutes } from "./couchdb.mjs";
import { lastwordRoutes } from "./protocol.mjs";
import { replicacheRoutes } from "./replicache.mjs";
import { Session } from "./session.mjs";
import { watermelonRoutes } from "./watermelon.mjs";

/** Starts it. `folders` maps a prefix of the path to the folder that is served there. */
export async function startBackend(folders) {
  const sessions = new Map();
  const server = createServer((request, response) => {
    handle({ sessions, folders, routes: ROUTES }, request, response).catch((error) => {
      console.error(`backend: ${request.method} ${request.url}: ${error.stack}`);
      response.writeHead(500).end();
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  return {
    origin,
    /** New data under an address of its own. */
    session(options) {
      const name = String(sessions.size + 1);
      const session = new Session(options);
      sessions.set(name, session);
      return Object.assign(session, { base: `${origin}/s/${name}` });
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

async function handle({ sessions, folders, routes }, request, response) {
  const url = new URL(request.url, "http://backend");
  const [, name, path] = /^\/s\/(\d+)(\/.*)$/.exec(url.pathname) ?? [];
  if (name === undefined) return serveFile(folders, url.pathname, response);
  const session = sessions.get(name);
  const raw = await body(request);
  session.requests += 1;
  session.bytesIn += raw.length;
  const text = request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw;
  const asked = { method: request.method, path, query: url.searchParams, json: () => (text.length ? JSON.parse(text) : undefined) };
  for (const route of routes) {
    const answer = route(session, asked);
    if (answer === undefined) continue;
    const { status = 200, body: bytes } = answer;
    session.bytesOut += Buffer.byteLength(bytes);
    response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(bytes), "cache-control": "no-store" });
    return response.end(bytes);
  }
  response.writeHead(404, { "content-type": "application/json" }).end('{"error":"not_found"}');
}

async function body(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function serveFile(folders, pathname, response) {
  const path = pathname === "/" ? "/harness/index.html" : normalize(pathname);
  const prefix = Object.keys(folders).find((prefix) => path.startsWith(prefix));
  const bytes = prefix && (await readFile(join(folders[prefix], path.slice(prefix.length))).catch(() => undefined));
  if (!bytes) return response.writeHead(404).end();
  response.writeHead(200, {
    "content-type": TYPES[extname(path)] ?? "application/octet-stream",
    // What a static host of hashed files would say: a second start finds the browser's cache.
    "cache-control": extname(path) === ".html" ? "no-cache" : "public, max-age=31536000, immutable",
  });
  response.end(bytes);
}

const ROUTES = [...lastwordRoutes, ...watermelonRoutes, ...replicacheRoutes, ...couchRoutes];
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };
