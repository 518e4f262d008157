"use client";

import { createSync } from "lastword";
import { useSync } from "lastword/react";
import { useEffect, useState } from "react";

export function Notebook() {
  const [sync, setSync] = useState(null);
  useEffect(() => {
    const { backend, key } = Object.fromEntries(new URLSearchParams(location.search));
    const opening = createSync({ database: "notebook", entities: { notes: {} }, backend: { url: backend }, token: key });
    // React's strict mode mounts twice: what was unmounted meanwhile is not shown.
    let mounted = true;
    opening.then((opened) => mounted && setSync(opened));
    return () => {
      mounted = false;
      void opening.then((opened) => opened.destroy());
    };
  }, []);
  return sync && <Notes sync={sync} />;
}

function Notes({ sync }) {
  const { notes } = sync.entities;
  const { sync: syncNow } = useSync(sync);
  const [list, setList] = useState([]);
  useEffect(() => {
    const show = () => void notes.list().then(setList);
    show();
    return sync.on("change", show);
  }, [sync, notes]);

  async function add(event) {
    event.preventDefault();
    const form = event.currentTarget;
    await notes.put({ text: form.elements.text.value });
    form.reset();
  }
  return (
    <>
      <form onSubmit={add}>
        <label>Text <input name="text" /></label> <button>Add</button>
      </form>
      <button onClick={syncNow}>Sync now</button>
      <ul>{list.map(({ id, text }) => <li key={id}>{text}</li>)}</ul>
    </>
  );
}
