// The demo for everyone: the rules of axe on every screen, no screen that scrolls sideways, nothing that moves by itself,
// and every flow by keyboard alone.
import assert from "node:assert/strict";
import { violations } from "./axe.mjs";
import { DESKTOP, PHONE } from "./browser.mjs";
import { scenario, scenarioAtEachSize } from "./world.mjs";

const SCREENS = ["today", "history", "library", "plan", "progress", "sync"];
const TABLET = { width: 768, height: 1024 };

const FILLED = { today: "Squat", history: "Squat", library: "Squat", plan: "Eight weeks", progress: "80.5 kg", sync: "Nothing waits." };

/** Checks the page as it stands, in each of these themes. */
async function check(page, what, themes) {
  for (const colorScheme of themes) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    assert.deepEqual(await violations(page), [], `${what}, ${colorScheme}`);
  }
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wider <= 0, `${what} scrolls sideways by ${wider} px`);
}

/** What has the focus: its label or its words. */
function focused(page) {
  return page.evaluate(() => {
    const element = document.activeElement;
    return element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? element.textContent;
  });
}

scenario("every screen and sheet passes the accessibility rules at each size, in light and dark, empty and filled", async ({ device }) => {
  const app = await device();
  for (const screen of SCREENS) {
    await app.go(screen);
    await check(app.page, `${screen}, empty`, ["light"]);
  }
  await app.go("today");
  await app.add({ exercise: "Squat", note: "Kept" });
  await app.go("library");
  await app.fill("Add an exercise", { Name: "Squat" });
  await app.go("plan");
  await app.fill("Add a program", { Name: "Eight weeks", "Day 1 template": "None yet" });
  await app.press("Begin Eight weeks");
  await app.fill("Add a progression rule", { Exercise: "Squat" });
  await app.go("progress");
  await app.fill("Add a weight", { "Weight in kilograms": "80.5" });
  await app.fill("Add a weight", { "Weight in kilograms": "80.1" });
  for (const size of [PHONE, TABLET, DESKTOP]) {
    // Between the two the layout differs, not the parts.
    const themes = size === TABLET ? [] : ["light", "dark"];
    await app.page.setViewportSize(size);
    for (const screen of SCREENS) {
      await app.go(screen);
      await app.page.locator("main").getByText(FILLED[screen]).first().waitFor();
      await check(app.page, `${screen} at ${size.width} px`, themes);
    }
    for (const [screen, sheet] of [["today", "Add a log"], ["plan", "Add a program"], ["sync", "Sign out…"], ["sync", "Settings"]]) {
      await app.go(screen);
      await app.page.getByRole("button", { name: sheet, exact: true }).first().click();
      await check(app.page, `${sheet} at ${size.width} px`, themes);
      await app.press("Close");
    }
  }
  assert.deepEqual(app.errors, []);
});

scenarioAtEachSize("nothing moves while syncing", async ({ proxy, server, device }) => {
  const front = await proxy();
  const app = await device({ url: front.url });
  await app.add({ exercise: "Squat", note: "A note that is as long as it takes to fill the line of a phone, and then some." });
  await app.go("library");
  await app.fill("Add an exercise", { Name: "Squat" });
  await app.go("progress");
  await app.fill("Add a weight", { "Weight in kilograms": "80.5" });
  await app.fill("Add a weight", { "Weight in kilograms": "80.1" });
  await app.synced();
  const [log] = [...(await server.records("workout-logs")).values()];
  for (const screen of SCREENS) {
    await app.go(screen);
    for (const shown of READ[screen]) await app.page.locator("main").getByText(shown).first().waitFor();
    await drawn(app.page);
    // The network is held twice, so that every state of a round is drawn: waiting, syncing, synced.
    const held = [latch(), latch()];
    front.answer = ({ method }) => held[method === "POST" ? 0 : 1].opened;
    await watchShifts(app.page);
    await server.push("workout-logs", [{ ...log, clientUpdatedAt: ++log.clientUpdatedAt, sets: [{ reps: 6, weight: 90 }] }]);
    await app.syncNow();
    await app.state("syncing");
    await drawn(app.page);
    held[0].open();
    held[1].open();
    front.answer = () => undefined;
    await app.synced();
    await drawn(app.page);
    assert.deepEqual(await shifts(app.page), [], screen);
  }
  // An own edit: its mark comes and goes, its row stays.
  await app.go("today");
  await app.shows("Squat", "1 × 6 × 90 kg");
  const row = () => app.log("Squat").boundingBox();
  const before = await row();
  const push = latch();
  front.answer = ({ method }) => (method === "POST" ? push.opened : undefined);
  await app.edit("Squat", { weight: 95 });
  await app.shows("Squat", "Not sent yet");
  assert.deepEqual(await row(), before);
  await app.state("syncing");
  assert.deepEqual(await row(), before);
  push.open();
  front.answer = () => undefined;
  await app.synced();
  await app.log("Squat").getByText("Not sent yet").waitFor({ state: "detached" });
  assert.deepEqual(await row(), before);
});

/** What a screen shows when all of it has been read. */
const READ = {
  today: [/^1 × /],
  history: ["1 log", "Squat"],
  library: ["Squat"],
  plan: ["No programs yet.", "No templates yet.", "No rules yet.", "Add a progression rule"],
  progress: [/^\d+ \w+ \d{4}$|^\w+ \d+, \d{4}$/, "80.5 kg", "80.1 kg", "No goals yet."],
  sync: ["Nothing waits.", /^[0-9a-f-]{36}$/],
};

/** Notes every layout shift from now on, except in regions that scroll by themselves: a log grows. */
function watchShifts(page) {
  return page.evaluate(() => {
    globalThis.shiftsSeen = [];
    globalThis.shiftObserver?.disconnect();
    globalThis.shiftObserver = new PerformanceObserver((list) => note(list.getEntries()));
    globalThis.shiftObserver.observe({ type: "layout-shift" });
    const note = (globalThis.noteShifts = (entries) => {
      for (const { sources } of entries) {
        for (const { node, previousRect, currentRect } of sources) {
          const element = node instanceof Element ? node : node?.parentElement;
          if (!element || element.closest(".scroll")) continue;
          const place = ({ x, y, width, height }) => [x, y, width, height].join(" ");
          globalThis.shiftsSeen.push(`${element.outerHTML.slice(0, 80)}: ${place(previousRect)} to ${place(currentRect)}`);
        }
      }
    });
  });
}

function shifts(page) {
  return page.evaluate(() => {
    globalThis.noteShifts(globalThis.shiftObserver.takeRecords());
    return globalThis.shiftsSeen;
  });
}

/** Resolves when what is set by now has been drawn. */
function drawn(page) {
  return page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
}

/** A promise, `opened`, that `open` keeps. */
function latch() {
  let open;
  const opened = new Promise((resolve) => { open = resolve; });
  return { opened, open };
}

scenario("who wants less motion gets none", async ({ proxy, device }) => {
  const front = await proxy();
  const app = await device({ url: front.url });
  await app.synced();
  front.answer = () => new Promise(() => {});
  await app.syncNow();
  await app.state("syncing");
  await app.press("Add a log");
  const moving = () => app.page.evaluate(() => [...document.querySelectorAll("*")].flatMap((element) => [null, "::before", "::after", "::backdrop"].flatMap((part) => {
    const { animationName, transitionDuration } = getComputedStyle(element, part);
    return animationName !== "none" || transitionDuration !== "0s" ? [`${element.className || element.localName}${part ?? ""}`] : [];
  })));
  await app.page.emulateMedia({ reducedMotion: "no-preference" });
  assert.deepEqual((await moving()).sort(), ["dialog", "pill", "pill::before"]);
  await app.page.emulateMedia({ reducedMotion: "reduce" });
  assert.deepEqual(await moving(), []);
});

scenarioAtEachSize("with the keyboard alone: add sets, edit, delete, move between screens, and never lose the focus", async ({ device }) => {
  const app = await device();
  const { page } = app;
  const { keyboard } = page;
  /** Presses Tab until the element of this name has the focus. */
  const tabTo = async (name) => {
    for (let presses = 0; presses < TABS_MAX; presses++) {
      if ((await focused(page)) === name) return;
      await keyboard.press("Tab");
    }
    assert.fail(`no Tab leads to “${name}”; the focus is on “${await focused(page)}”`);
  };
  await page.locator("body").focus();
  await tabTo("Add a log");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(outline, "solid", "the focus can be seen");
  await keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Add a log" }).waitFor();
  assert.equal(await focused(page), "Exercise", "a sheet begins in its first field");
  await keyboard.type("Squat");
  await tabTo("Set 1 reps");
  await keyboard.type("8");
  await tabTo("Set 1 weight in kilograms");
  await keyboard.type("60");
  await tabTo("Add a set");
  await keyboard.press("Space");
  await page.getByLabel("Set 2 reps").waitFor();
  await tabTo("Add");
  await keyboard.press("Enter");
  await app.shows("Squat", "2 × 8 × 60 kg");
  assert.equal(await focused(page), "Add a log", "and gives the focus back");

  // Removing a set keeps the focus in the sheet; Escape closes it and changes nothing.
  await tabTo("Edit Squat");
  await keyboard.press("Enter");
  await tabTo("Remove set 2");
  await keyboard.press("Enter");
  await page.getByLabel("Set 2 reps").waitFor({ state: "detached" });
  assert.equal(await focused(page), "Add a set");
  await keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(await focused(page), "Edit Squat");
  await app.shows("Squat", "2 × 8 × 60 kg");

  // A row that goes hands the focus to the row beside, the last one to the screen.
  await app.add({ exercise: "Row" });
  await page.getByRole("button", { name: "Delete Row" }).focus();
  await keyboard.press("Enter");
  await app.gone("Row");
  assert.equal(await focused(page), "Edit Squat");
  await tabTo("Delete Squat");
  await keyboard.press("Enter");
  await app.gone("Squat");
  assert.equal(await page.evaluate(() => document.activeElement.localName), "main");

  await tabTo("Sync");
  await keyboard.press("Enter");
  await page.getByRole("heading", { name: "This device" }).waitFor();
  await page.locator("main").focus();
  await tabTo("Settings");
  await keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Settings" }).waitFor();
  await tabTo("Close");
  await keyboard.press("Enter");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(await focused(page), "Settings");
});

const TABS_MAX = 60;
