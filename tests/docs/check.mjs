// Compiles every block of TypeScript and JavaScript of the docs against the published types, parses JSON and shell, and
// holds the list of pages against the pages. Rust blocks are doctests; `http` blocks are replayed by an end-to-end test.
import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { blocks, pages, ROOT } from "./blocks.mjs";

const WORK = join(ROOT, "target/docs-blocks");
/** Where `http` blocks are replayed, and where Rust blocks are doctests. */
const REPLAYED = ["docs/guides/rest-api.md"];
const DOCTESTS = { "docs/start/rust.md": "examples/typed/src/lib.rs" };
/** Shows calls in passing; the server's own tests make them. */
const SKETCHES = ["docs/server.md"];

const faults = [];
const fault = ({ page, line }, message) => faults.push(`${page}:${line}: ${message}`);
/** File in the work folder to the block in it. */
const modules = new Map();

/** What is done with a block of each language. */
const CHECKS = {
  ts: typed, tsx: typed, js: typed,
  json: (block) => {
    try {
      JSON.parse(block.text);
    } catch (error) {
      fault(block, error.message);
    }
  },
  sh: shell,
  http: (block) => REPLAYED.includes(block.page) || fault(block, "no test replays the exchanges of this page"),
  rust: async (block) => {
    if (SKETCHES.includes(block.page)) return;
    const source = DOCTESTS[block.page] && await readFile(join(ROOT, DOCTESTS[block.page]), "utf8");
    if (!source?.includes(block.page)) fault(block, "no doctest runs the Rust of this page");
  },
  text: () => {},
  "": () => {},
};

async function typed(block) {
  const name = `${block.page.replace(/\W+/g, "-")}-${block.line}.${block.language === "tsx" ? "tsx" : "ts"}`;
  modules.set(name, block);
  await writeFile(join(WORK, name), `${block.text}\nexport {};\n`);
}

async function shell(block) {
  const checked = await promisify(execFile)("bash", ["-n", "-c", block.text]).catch((error) => fault(block, error.stderr.trim()));
  if (!checked) return;
  const help = await readFile(join(ROOT, "xtask/src/main.rs"), "utf8");
  for (const [, command] of block.text.matchAll(/cargo xtask ([a-z]+)/g)) {
    if (!help.includes(`"${command}"`)) fault(block, `there is no \`cargo xtask ${command}\``);
  }
}

/** Lists the blocks that do not compile. */
async function compile() {
  await writeFile(join(WORK, "tsconfig.json"), JSON.stringify({
    extends: "../../worker/tsconfig.json",
    compilerOptions: { jsx: "react-jsx", types: [], noUnusedLocals: false, noUnusedParameters: false },
    include: ["*.ts", "*.tsx", "../../tests/docs/*.d.ts"],
  }));
  const tsc = join(dirname(createRequire(join(ROOT, "worker/package.json")).resolve("typescript/package.json")), "bin/tsc");
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, "--pretty", "false", "-p", WORK], { cwd: WORK }).catch((error) => error);
  for (const line of stdout.split("\n").filter((line) => line.trim())) {
    const [, name, at, message] = /^([^(]+)\((\d+),\d+\): (.*)$/.exec(line) ?? [];
    const block = modules.get(name);
    if (block) faults.push(`${block.page}:${block.line + Number(at)}: ${message}`);
    else faults.push(line);
  }
}

/** Every page is in the list of pages, once. */
async function listed(all) {
  const summary = await readFile(join(ROOT, "docs/SUMMARY.md"), "utf8");
  const links = [...summary.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => `docs/${link}`);
  const expected = all.filter((page) => page.startsWith("docs/") && page !== "docs/SUMMARY.md").concat("docs/protocol.md");
  for (const page of expected) if (links.filter((link) => link === page).length !== 1) faults.push(`${page}: not once in docs/SUMMARY.md`);
  for (const link of links) if (!expected.includes(link)) faults.push(`docs/SUMMARY.md: there is no ${link}`);
}

await rm(WORK, { recursive: true, force: true });
await mkdir(WORK, { recursive: true });
const all = await pages();
let count = 0;
for (const page of all) {
  for (const block of await blocks(page)) {
    count += 1;
    const check = CHECKS[block.language];
    if (check) await check(block);
    else fault(block, `a block of \`${block.language}\`: nothing checks it`);
  }
}
await compile();
await listed(all);
if (faults.length > 0) {
  console.error(faults.join("\n"));
  process.exit(1);
}
console.log(`docs: ${count} blocks on ${all.length} pages are in order`);
