// Runs the backend of the guide "Your own REST API" on a free port.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ROOT } from "../docs/blocks.mjs";

/** Calls `body` with its base URL, and ends it afterwards. */
export async function withBackend(body) {
  const child = spawn(process.execPath, [join(ROOT, "examples/rest-backend/server.mjs")], {
    env: { ...process.env, PORT: "0" }, stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  try {
    const [line] = await once(createInterface({ input: child.stdout }), "line");
    await body(line);
  } finally {
    child.kill();
    await ended;
  }
}
