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
    (error: unknown) => render(<p class="fatal" role="alert">The log cannot be opened: {errorWords(error)}</p>, root),
  );
}
