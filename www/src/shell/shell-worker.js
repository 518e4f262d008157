// Keeps the page itself for use without a network, and syncs what waits when the page is gone. Never touches the API's
// answers: only files of this build are answered. The build replaces the names in capitals; other files make another
// worker, so a new build replaces the old files.
import { syncInBackground } from "lastword/service-worker";
import { entitiesWith, serverAt } from "../model.js";
import { keptForBackground } from "./background.js";

const FILES = __FILES__;
const VERSION = __VERSION__;

syncInBackground(
  async () => {
    const kept = await keptForBackground();
    if (!kept) return undefined;
    const { database, server, key, conflicts } = kept;
    return { database, entities: entitiesWith(conflicts), backend: serverAt(server), token: key };
  },
  { wasm: __WASM__ },
);

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(VERSION).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOld().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method !== "GET" || !KNOWN.has(plain(url))) return;
  event.respondWith(answer(event.request));
});

/** Pages come from the network while there is one, so that a new build shows; all else is named by its content. */
async function answer(request) {
  const cache = await caches.open(VERSION);
  const kept = await cache.match(plain(request.url));
  if (kept && request.mode !== "navigate") return kept;
  try {
    return await fetch(request);
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

async function forgetOld() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("shell-") && name !== VERSION).map((name) => caches.delete(name)));
}

/** The address without what does not choose the file. */
function plain(address) {
  const url = new URL(address);
  return url.origin + url.pathname;
}

const KNOWN = new Set(FILES.map((file) => plain(new URL(file, self.registration.scope))));
