import { render } from "preact";
import { App } from "./app.js";
import { openReplica } from "./replica.js";
import { keepShell, keepSyncing } from "./shell/register.js";
import { keepLog } from "./sync/event-log.js";
import { databaseName, loadSettings } from "./settings.js";
import { errorWords } from "./words.js";

keepShell();
const root = document.getElementById("app");
if (root) {
  openReplica(databaseName(), loadSettings()).then(
    (sync) => {
      keepLog(sync);
      keepSyncing(sync);
      render(<App sync={sync} />, root);
    },
    (error: unknown) => render(<CannotOpen reason={errorWords(error)} />, root),
  );
}

/** Stands in place of the log. What is stored stays as it is. */
function CannotOpen({ reason }: { reason: string }) {
  return (
    <main>
      <h1>The log cannot be opened</h1>
      <p class="problem" role="alert">{reason}</p>
      <p>What is stored on this device stays there.</p>
      <button type="button" onClick={() => location.reload()}>Try again</button>
    </main>
  );
}
