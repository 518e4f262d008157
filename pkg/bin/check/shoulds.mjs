// What a backend may leave undone at a price, and what it may offer. Never asked before the musts.
import { gzipSync } from "node:zlib";
import { described } from "./backend.mjs";
import { expect, Skipped } from "./broken.mjs";
import { ask } from "./http.mjs";
import { told } from "./trial.mjs";

/** Each says what is lost without it. */
export const SHOULDS = [
  {
    id: "tie", title: "of two copies with one stamp every order of arrival keeps the same",
    without: "two devices that edit in the same millisecond are settled by who comes first",
    async run(t) {
      const held = [];
      for (const turned of [false, true]) {
        const cursor = await t.here();
        const one = t.fresh();
        const other = { ...one, ...t.edited() };
        for (const copy of turned ? [other, one] : [one, other]) await t.backend.push([copy]);
        const { id: _id, clientCreatedAt: _c, clientUpdatedAt: _u, serverUpdatedAt: _s, version: _v, serverId: _i, ...fields } = await t.delivered(one.id, cursor);
        held.push(JSON.stringify(Object.entries(fields).sort()));
      }
      expect(held[0] === held[1], "the copy that came last was kept both times, or the one that came first");
    },
  },
  {
    id: "tie-delete", title: "a tombstone beats a live copy of the same stamp",
    without: "a delete and an edit in the same millisecond are settled by who comes first",
    async run(t) {
      const record = t.fresh();
      const dead = t.tombstone(record, record.clientUpdatedAt);
      await t.applied([dead]);
      const { results: [result] } = await t.backend.push([record]);
      expect(result?.status === "conflict", `the live copy was answered ${told(result)}`);
    },
  },
  {
    id: "quiet", title: "a copy that is held already is not given out again",
    without: "every repeat after a lost answer reaches all devices once more",
    async run(t) {
      const record = t.fresh();
      await t.applied([record]);
      const cursor = await t.here();
      await t.applied([record]);
      if (t.plan.byTime) throw new Skipped("a backend without cursors");
      expect(!(await t.news(cursor)).records.some(({ id }) => id === record.id), "it came again");
    },
  },
  {
    id: "key", title: "a key with another body is answered 422",
    without: "a mistake in a proxy or a client goes unnoticed",
    async run(t) {
      const key = crypto.randomUUID();
      await t.applied([t.fresh()], key);
      const answer = await t.backend.askPush([t.fresh()], key);
      expect(answer.status === 422, `it was answered ${described(answer)}`);
    },
  },
  {
    id: "duplicate", title: "an id that stands twice in a batch is `duplicate_id` the second time",
    without: "a result cannot be told from another one's",
    async run(t) {
      const record = t.fresh();
      const { results } = await t.backend.push([record, t.edit(record)]);
      const second = results.filter(({ id }) => id === record.id)[1];
      expect(second?.code === "duplicate_id", `it was answered ${told(second)}`);
    },
  },
  {
    id: "clock", title: "a stamp more than 5 minutes ahead is rejected `clock_skew`",
    without: "a device whose clock is wrong wins against everyone until that time has come",
    async run(t) {
      const { results: [result], serverTime } = await t.backend.push([t.fresh({ clientUpdatedAt: Date.now() + 3_600_000 })]);
      expect(result?.code === "clock_skew", `it was answered ${told(result)}`);
      expect(typeof serverTime === "number", "the answer has no serverTime, so the device cannot mend its clock");
    },
  },
  {
    id: "bad-cursor", title: "a cursor that the backend did not make is answered 400 or 410",
    without: "a replica of a backend that was restored or replaced may wait for ever",
    async run(t) {
      if (t.plan.byTime) throw new Skipped("a backend without cursors");
      const answer = await t.backend.askPage("not-a-cursor", 1);
      expect([400, 410].includes(answer.status), `it was answered ${described(answer)}`);
    },
  },
  {
    id: "batch", title: "a batch of 100 records is taken",
    without: "set `batchRecords` to what it takes; else batches are halved, one refused request at a time",
    async run(t) {
      const { results } = await t.backend.push(t.fresher(100));
      const refused = results.find(({ status }) => status !== "applied");
      expect(results.length === 100 && !refused, refused ? `a record was answered ${told(refused)}` : `${results.length} results came`);
    },
  },
  {
    id: "errors", title: "an error says its code, a message, and whether to try again",
    without: "the app can show no more than the status",
    async run(t) {
      const answer = t.plan.token ? await t.backend.askPage(null, 1, { token: "not-a-token" }) : await ask(t.plan, { method: "GET", path: "/lastword-check/none" });
      const { code, message, retryable } = answer.body?.error ?? {};
      expect(typeof code === "string" && typeof message === "string" && typeof retryable === "boolean",
        `${answer.what} was answered ${described(answer)}, without { error: { code, message, retryable } }`);
    },
  },
  {
    id: "cors", title: "a page of the named origin may call",
    without: "no page of that origin can sync",
    async run(t) {
      const { origin, entity, style } = t.plan;
      if (!origin) throw new Skipped("no --origin");
      const path = style === "changeset" ? "/v1/sync/upload" : entity.pushPath;
      const asked = "authorization,content-type,idempotency-key,x-request-id,x-sync-protocol";
      const answer = await ask(t.plan, {
        method: "OPTIONS", path, token: "",
        headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": asked },
      });
      const header = (name) => answer.headers.get(`access-control-allow-${name}`)?.toLowerCase() ?? "";
      expect(answer.status < 300, `the preflight was answered ${answer.status}`);
      expect(["*", origin.toLowerCase()].includes(header("origin")), `the origin that is allowed is \`${header("origin")}\``);
      const allowed = header("headers").split(/\s*,\s*/);
      const missing = asked.split(",").filter((name) => !allowed.includes(name) && !(allowed.includes("*") && name !== "authorization"));
      expect(missing.length === 0, `headers that are not allowed: ${missing.join(", ")}`);
    },
  },
];

const offered = (id, title, has) => ({
  id, title,
  async run(t) {
    const record = t.fresh();
    const [result] = await t.applied([record]);
    const page = await t.backend.pull(null, 1);
    expect(has({ page, result, record }), "not given");
  },
});

/** What makes a sync better where it is there. */
export const OFFERS = [
  offered("serverTime", "the backend's clock, by which a wrong one is corrected", ({ page }) => typeof page.serverTime === "number"),
  offered("serverUpdatedAt", "when a record was accepted", ({ result }) => result.serverUpdatedAt !== undefined),
  offered("version", "how often a record was accepted", ({ result }) => Number.isInteger(result.version)),
  offered("remaining", "how much is left, for progress in percent", ({ page }) => Number.isInteger(page.remaining)),
  offered("upTo", "how far a pull has seen, so that what a restored backend lost is sent again", ({ page }) => typeof page.upTo === "number"),
  offered("epoch", "the name of its history, so that a restored backup is noticed", ({ page }) => typeof page.epoch === "string"),
  {
    id: "upgrade", title: "a protocol version that it does not know is answered 426",
    async run(t) {
      const answer = await t.backend.askPage(null, 1, { headers: { "x-sync-protocol": "999" } });
      expect(answer.status === 426, `it was answered ${described(answer)}`);
    },
  },
  {
    // Last: a body that it cannot read may end a fragile backend.
    id: "gzip", title: "bodies as gzip (`gzip: true` may be set)",
    async run(t) {
      const record = t.fresh();
      await t.applied([record], undefined, { bytes: gzipSync(t.backend.bodyOf([record])), body: undefined, headers: { "content-encoding": "gzip" } });
    },
  },
];
