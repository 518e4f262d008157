/** The page: header with the sync status, one screen, the navigation, and the settings. */

import { useState } from "preact/hooks";
import { Context, type AppContext } from "./app-context.js";
import type { AppSync } from "./model.js";
import { Icon } from "./parts/icons.js";
import { Modal } from "./parts/modal.js";
import { WithPreferences } from "./preferences.js";
import { applySettings } from "./replica.js";
import { SCREENS, useScreen, type Screen } from "./router.js";
import { History } from "./screens/history.js";
import { Library } from "./screens/library.js";
import { Plan } from "./screens/plan.js";
import { Progress } from "./screens/progress.js";
import { Today } from "./screens/today.js";
import { loadSettings, saveSettings, type Settings } from "./settings.js";
import { SettingsForm } from "./sync/settings-form.js";
import { SyncBar } from "./sync/sync-bar.js";
import { SyncScreen } from "./sync/sync-screen.js";
import { errorWords } from "./words.js";

export function App({ sync }: { sync: AppSync }) {
  const [settings, setSettings] = useState(loadSettings);
  const [settingsOpen, setSettingsOpen] = useState(false);
  const [problem, setProblem] = useState("");
  const screen = useScreen();
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
  const save = (next: Settings, keepPreferences: () => Promise<void>) => attempt(async () => {
    await keepPreferences();
    const reopen = next.conflicts !== settings.conflicts;
    if (!reopen) await applySettings(sync, next);
    await saveSettings(next);
    if (reopen) return location.reload();
    setSettings(next);
    setSettingsOpen(false);
  });
  const app: AppContext = { sync, settings, attempt, problem, openSettings: () => setSettingsOpen(true) };
  const Shown = SHOWN[screen];

  return (
    <Context.Provider value={app}>
      <WithPreferences>
        <header class="top">
          <div class="top-row">
            <h1>Workout log</h1>
            <SyncBar />
          </div>
        </header>
        <main class={screen} tabIndex={-1}>
          <p class="problem" role="alert" hidden={problem === ""}>{problem}</p>
          <Shown key={screen} />
        </main>
        <nav class="tabs" aria-label="Screens">
          <ul>
            {SCREENS.map((name) => (
              <li key={name}><a href={`#/${name}`} aria-current={name === screen ? "page" : undefined}><Icon name={name} />{TITLES[name]}</a></li>
            ))}
          </ul>
        </nav>
        {settingsOpen && (
          <Modal title="Settings" onClose={() => setSettingsOpen(false)}>
            <SettingsForm settings={settings} onSave={save} />
          </Modal>
        )}
      </WithPreferences>
    </Context.Provider>
  );
}

const SHOWN = { today: Today, history: History, library: Library, plan: Plan, progress: Progress, sync: SyncScreen };
const TITLES: Record<Screen, string> = {
  today: "Today", history: "History", library: "Library", plan: "Plan", progress: "Progress", sync: "Sync",
};
