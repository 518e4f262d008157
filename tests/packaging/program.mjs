// Starts the programs of bundlers. Never leaves one running, nor a child of one.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { HERE } from "./package-install.mjs";

const ENVIRONMENT = {
  ...process.env,
  PATH: `${join(HERE, "node_modules/.bin")}${delimiter}${process.env.PATH}`,
  NEXT_TELEMETRY_DISABLED: "1", NO_COLOR: "1", BROWSER: "none",
};
// Next and Node disagree about both at once.
delete ENVIRONMENT.FORCE_COLOR;

/** Runs a command line in the folder of an app until it ends; its output is the error when it fails. */
export async function finish(line, cwd) {
  const { child, said } = start(line, cwd);
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${line} ended with ${code}: ${said()}`);
}

/** Starts a command line that serves. Answers the address it prints and how to end it. */
export async function serve(line, cwd) {
  const { child, said, lines } = start(line, cwd);
  const close = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    // The group: these programs have children.
    process.kill(-child.pid, "SIGKILL");
    await ended;
  };
  const deadline = setTimeout(() => void close(), START_MAX_MS);
  try {
    for await (const text of lines) {
      const match = /http:\/\/(?:localhost|127\.0\.0\.1):(\d+)/.exec(text);
      if (match) return { url: `http://localhost:${match[1]}/`, close };
    }
    throw new Error(`${line} served nothing: ${said()}`);
  } catch (error) {
    await close();
    throw error;
  } finally {
    clearTimeout(deadline);
  }
}

function start(line, cwd) {
  const child = spawn(line, { cwd, shell: true, detached: true, env: ENVIRONMENT, stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  const note = (chunk) => { said = (said + chunk).slice(-SAID_MAX); };
  child.stdout.on("data", note);
  child.stderr.on("data", note);
  return { child, said: () => said, lines: merged(child) };
}

/** The lines of both outputs: some say where they serve on one, some on the other. */
async function* merged(child) {
  const waiting = [];
  let wake = () => {};
  let open = 2;
  for (const stream of [child.stdout, child.stderr]) {
    const lines = createInterface({ input: stream });
    lines.on("line", (line) => { waiting.push(line); wake(); });
    lines.on("close", () => { open -= 1; wake(); });
  }
  while (open > 0 || waiting.length > 0) {
    if (waiting.length === 0) await new Promise((resolve) => { wake = resolve; });
    else yield waiting.shift();
  }
}

const START_MAX_MS = 120_000;
const SAID_MAX = 20_000;
