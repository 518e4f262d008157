// The browser's own hand on service workers: it fires their sync events and stops them, by the DevTools protocol.
import { EventEmitter, once } from "node:events";

/** Watches the service worker of an origin through a page of any other address. Resolves when the worker is active. */
export async function serviceWorker(page, url) {
  const { origin } = new URL(url);
  const devtools = await page.context().newCDPSession(page);
  const told = new EventEmitter();
  let registrationId;
  let version;
  devtools.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
    registrationId = registrations.find(({ scopeURL }) => scopeURL.startsWith(origin))?.registrationId ?? registrationId;
    told.emit("news");
  });
  devtools.on("ServiceWorker.workerVersionUpdated", ({ versions }) => {
    version = versions.findLast((one) => one.registrationId === registrationId) ?? version;
    told.emit("news");
  });
  const until = async (holds) => {
    while (!holds()) await once(told, "news");
  };
  await devtools.send("ServiceWorker.enable");
  await until(() => registrationId !== undefined && version?.status === "activated");
  return {
    /** Fires a sync event. */
    async sync(tag = "lastword") {
      await devtools.send("ServiceWorker.dispatchSyncEvent", { origin, registrationId, tag, lastChance: false });
    },
    /** Fires a periodic sync event. */
    async periodicSync(tag = "lastword") {
      await devtools.send("ServiceWorker.dispatchPeriodicSyncEvent", { origin, registrationId, tag });
    },
    /** Ends the worker wherever it is, as the browser does. */
    async stop() {
      await devtools.send("ServiceWorker.stopWorker", { versionId: version.versionId });
      await until(() => version.runningStatus === "stopped");
    },
  };
}
