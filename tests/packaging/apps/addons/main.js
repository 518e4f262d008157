// The notebook again: its rows in a Dexie database of its own, and a service worker that syncs with the page closed.
import { Dexie, liveQuery } from "dexie";
import { createSync } from "lastword";
import { requestBackgroundSync } from "lastword/background";
import { lastwordDexie, lastwordStores } from "lastword/dexie";
import { entities } from "./entities.js";

const { backend, key } = Object.fromEntries(new URLSearchParams(location.search));
await (await caches.open("session")).put("/session", Response.json({ backend, key }));
await navigator.serviceWorker.register("/service-worker.js", { type: "module" });

const db = new Dexie("notebook");
db.version(1).stores({ notes: "id, clientUpdatedAt" });
db.version(2).stores(lastwordStores);
const addOn = lastwordDexie(db, { entities });
await db.open();
const sync = await createSync({ database: db.name, attached: true, entities, backend: { url: backend }, token: key });
addOn.connect(sync);
requestBackgroundSync(sync);

const [form, list, state] = ["form", "ul", "output"].map((selector) => document.querySelector(selector));
liveQuery(() => db.notes.toArray()).subscribe((notes) => {
  list.replaceChildren(...notes.map(({ text }) => Object.assign(document.createElement("li"), { textContent: text })));
});
const show = () => {
  const { state: is, pending } = sync.getSnapshot();
  state.textContent = `${is}, ${pending} to send`;
};
sync.subscribe(show);
show();
form.onsubmit = async (event) => {
  event.preventDefault();
  await db.notes.add({ id: crypto.randomUUID(), text: form.elements.text.value });
  form.reset();
};
document.querySelector("#sync").onclick = () => sync.syncNow();
form.hidden = false;
