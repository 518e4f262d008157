import { createSync } from "lastword";
import { useConflicts, useSync, useSyncStatus } from "lastword/react";
import { StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

const { backend, key } = Object.fromEntries(new URLSearchParams(location.search));
const OPTIONS = {
  database: "board", entities: { notes: { conflicts: "manual" } }, backend: { url: backend }, token: key, autoStart: false,
};

/** Opens a sync for as long as the component is there; null before. */
function useOpened(options) {
  const [sync, setSync] = useState(null);
  useEffect(() => {
    let mounted = true;
    const opening = createSync(options);
    opening.then((opened) => mounted && setSync(opened));
    return () => {
      mounted = false;
      void opening.then((opened) => opened.destroy());
    };
  }, [options]);
  return sync;
}

function App() {
  const sync = useOpened(OPTIONS);
  return sync && (
    <>
      <Bar sync={sync} />
      <Notes notes={sync.entities.notes} sync={sync} />
      <Conflicts sync={sync} />
    </>
  );
}

function Bar({ sync }) {
  const { sync: syncNow, syncState, syncError, isLoading } = useSync(sync);
  const { pending } = useSyncStatus(sync);
  return (
    <p>
      <button onClick={syncNow} disabled={isLoading}>Sync now</button>
      <output aria-label="State">{syncState}</output>
      <output aria-label="Pending">{pending}</output>
      {syncError && <span role="alert">{syncError.code}</span>}
    </p>
  );
}

function Notes({ sync, notes }) {
  const [list, setList] = useState([]);
  useEffect(() => {
    const show = () => void notes.list().then(setList);
    show();
    return sync.on("change", show);
  }, [sync, notes]);
  return (
    <>
      <button onClick={() => notes.put({ text: "new" })}>Add</button>
      <ul aria-label="Notes">
        {list.map(({ id, text }) => (
          <li key={id}>{text} <button onClick={() => notes.update(id, { text: "mine" })}>Edit</button></li>
        ))}
      </ul>
    </>
  );
}

function Conflicts({ sync }) {
  const { conflicts, resolve, resolveAll } = useConflicts(sync);
  return (
    <>
      <ul aria-label="Conflicts">
        {conflicts.map((conflict) => (
          <li key={conflict.id}>
            {conflict.local.text} or {conflict.remote.text}
            <button onClick={() => resolve(conflict, { keep: "local" })}>Keep mine</button>
          </li>
        ))}
      </ul>
      <button onClick={() => resolveAll("remote")}>Keep theirs everywhere</button>
    </>
  );
}

createRoot(document.querySelector("main")).render(<StrictMode><App /></StrictMode>);
