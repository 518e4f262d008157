// The browser engines, each under its own WebDriver: one session, a window for each page. Never downloads a browser or a
// driver: an engine that is not installed is left out, and says so.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { Builder } from "selenium-webdriver";
import remote from "selenium-webdriver/remote/index.js";
import { ARGS, DEADLINE_MS } from "../browser.mjs";
import { kill } from "../server.mjs";

const { env } = process;

const KNOWN = [
  {
    name: "Chromium",
    browser: env.LASTWORD_CHROMIUM ?? "/usr/bin/chromium",
    driver: env.LASTWORD_CHROMEDRIVER ?? "/usr/bin/chromedriver",
    capabilities: (binary) => ({ browserName: "chrome", "goog:chromeOptions": { binary, args: ["--headless", ...ARGS] } }),
  },
  {
    name: "Firefox",
    browser: env.LASTWORD_FIREFOX ?? "/usr/bin/firefox",
    driver: env.LASTWORD_GECKODRIVER ?? "/usr/bin/geckodriver",
    capabilities: (binary) => ({ browserName: "firefox", "moz:firefoxOptions": { binary, args: ["-headless"] } }),
  },
  {
    name: "WebKit",
    browser: env.LASTWORD_WEBKIT ?? "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser",
    driver: env.LASTWORD_WEBKIT_DRIVER ?? "/usr/bin/WebKitWebDriver",
    display: env.LASTWORD_XVFB ?? "/usr/bin/Xvfb",
    capabilities: (binary) => ({ browserName: "MiniBrowser", "webkitgtk:browserOptions": { binary, args: ["--automation"] } }),
  },
];

/** The engines that this machine has. */
export const ENGINES = KNOWN.filter(({ name, browser, driver, display }) => {
  const missing = [browser, driver, display].filter((file) => file && !existsSync(file));
  if (missing.length > 0) console.log(`SKIPPED: ${name}, which lacks ${missing.join(" and ")}`);
  return missing.length === 0;
});

/** Starts an engine. `newPage` opens a window; `close` ends everything that was started. */
export async function openEngine(engine) {
  const opened = [];
  try {
    const display = engine.display && (await openDisplay(engine.display));
    if (display) opened.push(display.close);
    const environment = display ? { ...env, ...WEBKIT, DISPLAY: display.name } : env;
    const service = new remote.DriverService.Builder(engine.driver).setLoopback(true).setPort(await freePort()).setEnvironment(environment).build();
    opened.push(() => service.kill());
    const url = await service.start(DEADLINE_MS);
    const session = await new Builder().disableEnvironmentOverrides().usingServer(url).withCapabilities(engine.capabilities(engine.browser)).build();
    opened.push(() => session.quit());
    await session.manage().setTimeouts({ script: DEADLINE_MS, pageLoad: DEADLINE_MS });
    const capabilities = await session.getCapabilities();
    console.log(`${engine.name}: ${capabilities.getBrowserName()} ${capabilities.getBrowserVersion()}`);
    const first = await session.getWindowHandle();
    return { newPage: () => Page.open(session, first), close: () => closeAll(opened) };
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

/** A window. It takes one call at a time, as the session does: a call that waits for another page never ends. */
class Page {
  /** Opens one beside the session's first window, which stays. */
  static async open(session, first) {
    await session.switchTo().window(first);
    await session.switchTo().newWindow("window");
    const page = new Page();
    page.session = session;
    page.window = await session.getWindowHandle();
    return page;
  }

  async goto(url) {
    await this.#show();
    await this.session.get(url);
    await this.session.executeScript(ADD_RUN);
  }

  /** Runs a function in the page; what goes in and out is JSON. */
  async evaluate(work, argument) {
    await this.#show();
    const { value, error } = JSON.parse(await this.session.executeAsyncScript(CALL_RUN, String(work), JSON.stringify({ argument })));
    if (error) throw new Error(`in the page: ${error}`);
    return value;
  }

  async close() {
    if (this.isClosed) return;
    this.isClosed = true;
    await this.#show();
    await this.session.close();
  }

  #show() {
    return this.session.switchTo().window(this.window);
  }
}

/** Adds the function that runs all others: a script of a driver may run in a world of its own, without `import()`. */
const ADD_RUN = `
  const script = document.createElement("script");
  script.textContent = \`globalThis.runInPage = async (source, given) => {
    try {
      return JSON.stringify({ value: await (0, eval)("(" + source + ")")(JSON.parse(given).argument) });
    } catch (error) {
      return JSON.stringify({ error: error.name + ": " + error.message + " " + error.stack });
    }
  }\`;
  document.head.append(script);`;
const CALL_RUN = "const [source, given, done] = arguments; window.runInPage(source, given).then(done);";

/** A port for a driver, below those that systems give to connections: none of these takes it before the driver does. */
async function freePort() {
  for (let port = PORTS_FROM; port < PORTS_TO; port++) {
    const server = createServer();
    const isFree = new Promise((resolve) => server.once("listening", () => resolve(true)).once("error", () => resolve(false)));
    server.listen(port, "127.0.0.1");
    if (!(await isFree)) continue;
    server.close();
    await once(server, "close");
    return port;
  }
  throw new Error("no port is free");
}

/** A screen in memory, under the first number that is free. */
async function openDisplay(program) {
  const child = spawn(program, ["-displayfd", "3", "-screen", "0", "1280x800x24", "-nolisten", "tcp"], { stdio: ["ignore", "ignore", "ignore", "pipe"] });
  const [number] = await Promise.race([once(child.stdio[3], "data"), once(child, "exit").then(([code]) => { throw new Error(`${program} ended: ${code}`); })]);
  return { name: `:${String(number).trim()}`, close: () => kill(child) };
}

/** Ends things in the order in which they depend on each other; one that fails to end keeps none of the others. */
async function closeAll(opened) {
  for (const close of opened.splice(0).reverse()) await Promise.resolve(close()).catch((error) => console.error(error));
}

const PORTS_FROM = 20_000 + (process.pid % 10_000);
const PORTS_TO = 32_768;

/** What WebKit needs as root, without a graphics card and without a desktop. */
const WEBKIT = { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1", WEBKIT_DISABLE_DMABUF_RENDERER: "1", LIBGL_ALWAYS_SOFTWARE: "1", NO_AT_BRIDGE: "1", GDK_BACKEND: "x11" };
