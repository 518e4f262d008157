/** The page: header with status, a form to add, the list, and the dialogs. */

import { useState } from "preact/hooks";
import { LogForm } from "./log-form.js";
import { LogList } from "./log-list.js";
import type { AppSync, StoredLog } from "./model.js";
import { Modal } from "./modal.js";
import { applySettings } from "./replica.js";
import { loadSettings, saveSettings, type Settings } from "./settings.js";
import { SettingsForm } from "./settings-form.js";
import { SyncBar } from "./sync-bar.js";
import { errorWords } from "./words.js";
import { useLogs, usePendingIds } from "./hooks.js";

export function App({ sync }: { sync: AppSync }) {
  const [settings, setSettings] = useState(loadSettings);
  const [open, setOpen] = useState<"settings" | StoredLog>();
  const [problem, setProblem] = useState("");
  const logs = useLogs(sync);
  const pending = usePendingIds(sync);
  const entity = sync.entities["workout-logs"];

  /** Runs what a person asked for and shows why it failed. True when it worked. */
  const attempt = async (work: () => Promise<unknown>): Promise<boolean> => {
    setProblem("");
    try {
      await work();
      return true;
    } catch (thrown) {
      setProblem(errorWords(thrown));
      return false;
    }
  };
  const close = () => setOpen(undefined);
  const save = (next: Settings) => attempt(async () => {
    await applySettings(sync, next);
    saveSettings(next);
    setSettings(next);
    close();
  });

  return (
    <>
      <header class="top">
        <div class="top-row">
          <h1>Workout log</h1>
          <SyncBar sync={sync} on={settings.key !== ""} attempt={attempt} onSettings={() => setOpen("settings")} />
        </div>
      </header>
      <main>
        <p class="problem" role="alert" hidden={problem === ""}>{problem}</p>
        <section class="card" aria-labelledby="add-title">
          <h2 id="add-title">Add a log</h2>
          <LogForm label="Add" onSave={(log) => attempt(() => entity.put({ ...log, performedAt: Date.now() }))} />
        </section>
        <LogList logs={logs} pending={pending} onEdit={setOpen} onDelete={(log) => void attempt(() => entity.delete(log.id))} />
      </main>
      {open === "settings" && (
        <Modal title="Settings" onClose={close}>
          <SettingsForm settings={settings} onSave={save} />
        </Modal>
      )}
      {typeof open === "object" && (
        <Modal title="Edit log" onClose={close}>
          <LogForm
            label="Save"
            log={open}
            onSave={(log) => attempt(async () => {
              await entity.update(open.id, log);
              close();
            })}
          />
        </Modal>
      )}
    </>
  );
}
