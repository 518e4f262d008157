// The demo page as a person uses it: by labels and roles. Waits on states only.

import { DEADLINE_MS, rowsOf } from "./browser.mjs";

/** Opens the page of `url` in a profile; with a key, syncs with it. */
export async function openApp(context, url, { key, database = "e2e" } = {}) {
  const address = new URL(url);
  address.searchParams.set("db", database);
  const app = new App(context, address.href);
  await app.open();
  if (key) await app.signIn(key);
  return app;
}

class App {
  errors = [];

  constructor(context, address) {
    this.context = context;
    this.address = address;
  }

  /** Opens the page in a new tab: also after the old one was closed. */
  async open() {
    this.page = await this.context.newPage();
    this.page.on("pageerror", (error) => this.errors.push(error));
    await this.page.goto(this.address);
    await this.ready();
  }

  /** Waits until the page shows today. */
  ready() {
    return this.page.getByRole("button", { name: "Add a log" }).waitFor();
  }

  get pill() {
    return this.page.getByRole("status");
  }

  /** The list entry of an exercise. */
  log(exercise) {
    return this.page.getByRole("listitem").filter({ has: this.page.getByRole("heading", { name: exercise, exact: true }) });
  }

  /** Saves the key, and the address of another server. */
  async signIn(key, server) {
    await this.page.getByRole("button", { name: "Settings" }).click();
    if (server) await this.page.getByLabel("Server URL").fill(server);
    await this.page.getByLabel("API key").fill(key);
    await this.page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await this.page.getByRole("dialog").waitFor({ state: "detached" });
  }

  async add({ exercise, reps = 5, weight = 100, sets = 1, note = "" }) {
    await this.noteSync();
    await this.press("Add a log");
    const form = this.page.getByRole("dialog", { name: "Add a log" });
    await form.getByLabel("Exercise").fill(exercise);
    await form.getByLabel("Set 1 reps").fill(String(reps));
    await form.getByLabel("Set 1 weight").fill(String(weight));
    for (let set = 1; set < sets; set++) await form.getByRole("button", { name: "Add a set" }).click();
    await form.getByLabel("Note").fill(note);
    await form.getByRole("button", { name: "Add", exact: true }).click();
    await this.log(exercise).waitFor();
  }

  async edit(exercise, { note, weight }) {
    await this.noteSync();
    await this.page.getByRole("button", { name: `Edit ${exercise}`, exact: true }).click();
    const dialog = this.page.getByRole("dialog");
    if (weight !== undefined) await dialog.getByLabel("Set 1 weight").fill(String(weight));
    if (note !== undefined) await dialog.getByLabel("Note").fill(note);
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
  }

  async delete(exercise) {
    await this.noteSync();
    await this.page.getByRole("button", { name: `Delete ${exercise}`, exact: true }).click();
    await this.log(exercise).waitFor({ state: "detached" });
  }

  /** Shows another screen. */
  async go(screen) {
    await this.page.getByRole("navigation").getByRole("link", { name: screen }).click();
    await this.page.locator(`[aria-current="page"]`, { hasText: new RegExp(screen, "i") }).waitFor();
  }

  /** Opens a form, fills its fields by their labels, sends it, and waits until the record is listed. */
  async fill(form, fields) {
    await this.press(form);
    const region = this.page.getByRole("dialog", { name: form, exact: true });
    for (const [label, value] of Object.entries(fields)) {
      const field = region.getByLabel(label, { exact: true });
      if ((await field.evaluate((element) => element.tagName)) === "SELECT") await field.selectOption(value);
      else await field.fill(value);
    }
    await region.getByRole("button", { name: "Add", exact: true }).click();
    await this.page.getByRole("listitem").filter({ hasText: Object.values(fields)[0] }).first().waitFor();
  }

  press(name) {
    return this.page.getByRole("button", { name, exact: true }).click();
  }

  /** Chooses to decide about conflicts oneself; the page opens anew. */
  async askAboutConflicts() {
    await this.page.getByRole("button", { name: "Settings" }).first().click();
    await this.page.getByLabel("When two devices changed one record").selectOption("manual");
    await this.page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await this.page.getByRole("dialog").waitFor({ state: "detached" });
    await this.ready();
  }

  syncNow() {
    return this.page.getByRole("button", { name: "Sync now" }).click();
  }

  /** Waits until the sync is in this state. */
  async state(state) {
    await this.page.locator(`[role="status"][data-state="${state}"]`).waitFor();
  }

  /** Notes the last sync before an edit: the page shows the edit at once, and its status a moment later. */
  async noteSync() {
    this.before = await this.page.locator(".last").evaluate((last) => last.querySelector("time")?.dateTime ?? "");
  }

  /** Resolves when the pill shows this and nothing waits to be sent: after an edit, by a sync that came after it. */
  async synced(deadline = DEADLINE_MS) {
    const pill = this.page.locator('[role="status"][data-state="idle"][data-pending="0"]', { hasText: /^Synced$/ });
    const old = this.page.locator(`time[datetime="${this.before ?? ""}"]`);
    await this.page.locator(".sync-words").filter({ has: pill }).filter({ hasNot: old }).waitFor({ timeout: deadline });
    this.before = "";
  }

  /** Waits until the page shows the text in the entry of an exercise. */
  async shows(exercise, text) {
    await this.log(exercise).filter({ hasText: text }).waitFor();
  }

  async gone(exercise) {
    await this.log(exercise).waitFor({ state: "detached" });
  }

  /** Rows of a store, read from IndexedDB behind the app's back. */
  rows(database, store) {
    return this.page.evaluate(rowsOf, [database, store]);
  }
}
