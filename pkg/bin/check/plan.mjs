// What is checked: the command line and the entities file as one plan. Never asks the backend.
import { readFile } from "node:fs/promises";

/** What the command line may say. */
export const OPTIONS = {
  entity: { type: "string" }, entities: { type: "string" }, record: { type: "string" }, token: { type: "string" },
  "other-token": { type: "string" }, origin: { type: "string" }, style: { type: "string" },
  only: { type: "string" }, json: { type: "boolean" }, help: { type: "boolean", short: "h" },
};

/** The command line cannot be followed. */
export class Usage extends Error {}

/** The plan for one entity of one backend. */
export async function makePlan(given, values) {
  const url = base(given);
  const file = values.entities ? await parsed(await text(values.entities), values.entities) : {};
  const backend = file.backend ?? {};
  const names = Object.keys(file.entities ?? {});
  const name = values.entity ?? names[0];
  if (!name) throw new Usage("name an entity: --entity NAME, or --entities FILE");
  if (values.entity && names.length > 0 && !names.includes(name)) throw new Usage(`the file has no entity \`${name}\``);
  const style = values.style ?? backend.style ?? "resource";
  if (!["resource", "changeset"].includes(style)) throw new Usage(`there is no style \`${style}\`: resource or changeset`);
  const entity = file.entities?.[name] ?? {};
  const record = values.record ? await parsed(values.record, "--record") : entity.record ?? {};
  return {
    url,
    style,
    /** No cursors: `since` is a time. */
    byTime: backend.since === "time",
    overlapMs: backend.overlapMs ?? 30_000,
    headers: backend.headers ?? {},
    token: values.token ?? process.env.LASTWORD_TOKEN,
    otherToken: values["other-token"],
    origin: values.origin,
    /** The one promise that is asked, beside those it needs. */
    only: values.only,
    entity: {
      name,
      path: entity.path ?? `/api/v1/${name}`,
      pushPath: entity.pushPath ?? `${entity.path ?? `/api/v1/${name}`}/batch`,
      query: entity.query ?? {},
      fields: entity.fields ?? {},
      iso: entity.times === "iso",
      record,
      edit: { ...record, ...(entity.edit ?? edited(record)) },
      invalid: entity.invalid,
    },
  };
}

/** As the client takes it: https, or this machine; nothing but an origin and a path. */
function base(url) {
  if (!url || !URL.canParse(url)) throw new Usage("give the base URL of the backend: lastword check https://api.example.com");
  const { protocol, hostname, username, password, search, hash, href } = new URL(url);
  const here = ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
  if (protocol !== "https:" && !(protocol === "http:" && here)) throw new Usage("the base URL must be https, but for this machine");
  if (username || password || search || hash) throw new Usage("the base URL has no user, query or fragment");
  return href.replace(/\/$/, "");
}

/** Some other value for one field, so that two copies differ. */
function edited(record) {
  for (const [name, value] of Object.entries(record)) {
    if (typeof value === "string") return { [name]: `${value} 2` };
    if (typeof value === "number") return { [name]: value + 1 };
    if (typeof value === "boolean") return { [name]: !value };
  }
  return Object.keys(record).length === 0 ? { note: "edited" } : {};
}

async function text(path) {
  return readFile(path, "utf8").catch((error) => {
    throw new Usage(`cannot read ${path}: ${error.code}`);
  });
}

async function parsed(json, where) {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new Usage(`${where} is not JSON: ${error.message}`);
  }
}
