"use client";

import { Dexie, liveQuery } from "dexie";
import { createSync } from "lastword";
import { lastwordDexie, lastwordStores } from "lastword/dexie";
import { useEffect, useState } from "react";

const entities = { notes: { detect: "scan" } };

/** The app's own database, and a sync beside it. */
async function open() {
  const { backend, key } = Object.fromEntries(new URLSearchParams(location.search));
  const db = new Dexie("notebook");
  db.version(1).stores({ notes: "id, clientUpdatedAt" });
  db.version(2).stores(lastwordStores);
  const addOn = lastwordDexie(db, { entities });
  await db.open();
  const sync = await createSync({ database: db.name, attached: true, entities, backend: { url: backend }, token: key });
  addOn.connect(sync);
  return { db, sync };
}

export function Notebook() {
  const [opened, setOpened] = useState(null);
  useEffect(() => {
    const opening = open();
    let mounted = true;
    opening.then((both) => mounted && setOpened(both));
    return () => {
      mounted = false;
      void opening.then(({ db, sync }) => sync.destroy().then(() => db.close()));
    };
  }, []);
  return opened && <Notes {...opened} />;
}

function Notes({ db, sync }) {
  const [list, setList] = useState([]);
  useEffect(() => {
    const subscription = liveQuery(() => db.notes.toArray()).subscribe(setList);
    return () => subscription.unsubscribe();
  }, [db]);

  async function add(event) {
    event.preventDefault();
    const form = event.currentTarget;
    await db.notes.add({ id: crypto.randomUUID(), text: form.elements.text.value });
    form.reset();
  }
  return (
    <>
      <form onSubmit={add}>
        <label>Text <input name="text" /></label> <button>Add</button>
      </form>
      <button onClick={() => sync.syncNow()}>Sync now</button>
      <ul>{list.map(({ id, text }) => <li key={id}>{text}</li>)}</ul>
    </>
  );
}
