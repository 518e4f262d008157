import { syncInBackground } from "lastword/service-worker";
import { entities } from "./entities.js";

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
syncInBackground(async () => {
  const session = await caches.match("/session");
  if (!session) return undefined;
  const { backend, key } = await session.json();
  return { database: "notebook", attached: true, entities, backend: { url: backend }, token: key };
});
