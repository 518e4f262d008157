/** Two devices of one user side by side: two databases, two workers, and switches for what goes wrong. */

import { render } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import { Icon } from "../parts/icons.js";
import { loadSettings, saveSettings } from "../settings.js";
import type { Faults } from "./faults.js";
import { ServerPanel } from "./server-panel.js";

function TwoDevices() {
  const [settings, setSettings] = useState(loadSettings);
  const begin = (event: SubmitEvent) => {
    event.preventDefault();
    const key = String(new FormData(event.currentTarget as HTMLFormElement).get("key")).trim();
    const next = { ...settings, key, enabled: true };
    void saveSettings(next);
    setSettings(next);
  };
  const isOpen = settings.key !== "";
  return (
    <>
      <header class="top two">
        <div class="top-row">
          <h1>Two devices</h1>
          <p class="about">One user, two devices, each with a database and a worker of its own. Switch something off, edit on both, and watch.</p>
          <a class="button" href="./index.html"><Icon name="back" />The log</a>
        </div>
      </header>
      {isOpen ? (
        <main class="devices">
          <Device name="Phone" icon="phone" database="device-phone" />
          <ServerPanel settings={settings} />
          <Device name="Laptop" icon="laptop" database="device-laptop" />
        </main>
      ) : (
        <main class="begin">
          <section class="card" aria-label="Begin">
            <p>Both devices sync with one key. What one of them writes, the other one shows.</p>
            <form onSubmit={begin}>
              <label for="key">API key</label>
              <input id="key" name="key" type="password" required autocomplete="off" />
              <button type="submit" class="main">Open both</button>
            </form>
          </section>
        </main>
      )}
    </>
  );
}

function Device({ name, icon, database }: { name: string; icon: "phone" | "laptop"; database: string }) {
  const [faults, setFaults] = useState<Faults>(NONE);
  useLayoutEffect(() => {
    const channel = new BroadcastChannel(`faults:${database}`);
    channel.postMessage(faults);
    // A worker that has just started asks for what is switched on.
    channel.onmessage = () => channel.postMessage(faults);
    return () => channel.close();
  }, [database, faults]);
  const toggle = (change: Partial<Faults>) => setFaults({ ...faults, ...change });
  return (
    <section class="device" aria-label={name}>
      <header><Icon name={icon} /><h2>{name}</h2></header>
      <fieldset>
        <legend class="unheard">What goes wrong on the {name.toLowerCase()}</legend>
        <Switch label="Offline" on={faults.offline} onToggle={(offline) => toggle({ offline })} />
        <Switch label="Slow network" on={faults.slow} onToggle={(slow) => toggle({ slow })} />
        <Switch label="Failing server" on={faults.failing} onToggle={(failing) => toggle({ failing })} />
        <Switch label="Clock an hour ahead" on={faults.skewMs !== 0} onToggle={(ahead) => toggle({ skewMs: ahead ? 3_600_000 : 0 })} />
      </fieldset>
      <iframe title={`${name}: workout log`} src={`./index.html?db=${database}&faults`} />
    </section>
  );
}

function Switch({ label, on, onToggle }: { label: string; on: boolean; onToggle: (on: boolean) => void }) {
  return (
    <label class="switch">
      <input type="checkbox" role="switch" checked={on} onChange={({ currentTarget }) => onToggle(currentTarget.checked)} />
      {label}
    </label>
  );
}

const NONE: Faults = { offline: false, slow: false, failing: false, skewMs: 0 };
const root = document.getElementById("app");
if (root) render(<TwoDevices />, root);
