#!/usr/bin/env node
// The command line of the package. `lastword check` asks a live backend what it promises. Never writes a file.
import { parseArgs } from "node:util";
import { makePlan, OPTIONS, Usage } from "./check/plan.mjs";
import { print } from "./check/report.mjs";
import { runChecks } from "./check/run.mjs";

const HELP = `lastword check BASE-URL [options]

Plays the protocol against a backend, under one user, and says which promises it keeps. It writes records of its own and
leaves their tombstones: use an account that is for testing.

  --entity NAME         the entity to use; the file's first when absent
  --entities FILE       JSON: { "entities": { NAME: { path, pushPath, query, fields, times, record, edit, invalid } },
                        "backend": { style, since, headers } }, the names as for createSync
  --record JSON         the fields of a record that the backend takes
  --token TOKEN         or the environment's LASTWORD_TOKEN
  --other-token TOKEN   of another user, who must see nothing
  --origin URL          of a page that will call from elsewhere: CORS is checked
  --style STYLE         resource or changeset
  --only PROMISE        that one, and what it needs
  --json                one JSON object in place of the table

Ends with 0 when every promise that data depends on is kept, with 1 when one is broken, with 2 when it cannot be asked.
`;

async function main() {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  const [command, url, ...rest] = positionals;
  if (values.help || command === undefined) return void process.stdout.write(HELP);
  if (command !== "check") throw new Usage(`there is no command \`${command}\`: the command is check`);
  if (rest.length > 0) throw new Usage(`one base URL, not ${rest.length + 1}`);
  const plan = await makePlan(url, values);
  const shown = values.json ? () => {} : print(plan);
  const results = await runChecks(plan, shown);
  const broken = results.filter(({ level, outcome }) => level === "must" && outcome === "broken").length;
  if (values.json) process.stdout.write(`${JSON.stringify({ url: plan.url, entity: plan.entity.name, broken, results }, null, 2)}\n`);
  else process.stdout.write(broken ? `\n${broken} broken\n` : "\nevery promise that data depends on is kept\n");
  process.exitCode = broken ? 1 : 0;
}

main().catch((error) => {
  // What the command line is told wrongly is the caller's to mend: a sentence, no stack.
  const told = error instanceof Usage || String(error.code).startsWith("ERR_PARSE_ARGS");
  process.stderr.write(`lastword: ${told ? error.message : error.stack}\n`);
  process.exitCode = 2;
});
