// One way for each promise to be broken: what a proxy does to the requests and answers of a backend that keeps them all.
// Never breaks two on purpose, though one fault may show in several.

/** An answer for `proxy.answer`: the request bent, sent on, and its answer bent. */
export function bend(target, { request = (asked) => asked, answer = (answered) => answered }) {
  return async (came) => {
    const asked = request({ ...came, json: came.body.length > 0 && came.headers["content-encoding"] === undefined ? JSON.parse(came.body) : undefined });
    const { host: _host, connection: _connection, "content-length": _length, "transfer-encoding": _chunked, ...headers } = asked.headers;
    const response = await fetch(new URL(asked.url, target()), {
      method: asked.method, headers, ...(asked.json ? { body: JSON.stringify(asked.json) } : came.body.length > 0 ? { body: came.body } : {}),
    });
    const text = await response.text();
    const json = text.startsWith("{") ? JSON.parse(text) : undefined;
    const kept = Object.fromEntries([...response.headers].filter(([name]) => !["content-length", "content-encoding", "transfer-encoding", "connection"].includes(name)));
    const answered = answer({ status: response.status, headers: kept, body: json ?? text }, asked);
    return answered;
  };
}

const pulled = (change) => (answered, asked) =>
  (asked.method === "GET" && answered.status === 200 ? { ...answered, body: change(answered.body, asked) ?? answered.body } : answered);
const pushed = (change) => (answered, asked) =>
  (asked.method === "POST" && answered.status === 200 ? { ...answered, body: change(answered.body, asked) ?? answered.body } : answered);
const ofRecords = (change) => pulled((page) => ({ ...page, records: page.records.map(change) }));
const ofResults = (change) => pushed((body, asked) => ({ ...body, results: body.results.flatMap((result, index) => change(result, index, asked)) }));
const bodies = (change) => (asked) => (asked.json ? { ...asked, json: change(asked.json, asked) } : asked);

/** By id of the promise; each call answers a fresh fault, since some remember what went by. */
export const BREAKS = {
  pull: () => ({ answer: pulled(({ hasMore: _hasMore, ...page }) => page) }),
  token: () => ({ answer: (answered) => (answered.status === 401 ? { ...answered, status: 403 } : answered) }),
  create: () => ({ answer: ofRecords(({ exercise: _exercise, ...record }) => record) }),
  stamps: () => ({ answer: ofRecords((record) => ({ ...record, clientCreatedAt: Math.floor(record.clientCreatedAt / 1000) * 1000 })) }),
  update: () => {
    // Keeps the first copy of everything.
    const first = new Map();
    return { answer: ofRecords((record) => first.get(record.id) ?? (first.set(record.id, record), record)) };
  },
  delete: () => ({ answer: pulled((page) => ({ ...page, records: page.records.filter(({ isDeleted }) => !isDeleted) })) }),
  results: () => ({ answer: ofResults((result, index) => (index === 4 ? [] : [result])) }),
  harm: () => ({
    answer: (answered, asked) => (asked.method === "POST" && answered.body.results?.some(({ code }) => code === "invalid")
      ? { ...answered, status: 422, body: { error: { code: "invalid", message: "all of it", retryable: false } } } : answered),
  }),
  // Looks at no key: each repeat is a push of its own.
  repeat: () => ({ request: (asked) => (asked.method === "POST" ? { ...asked, headers: { ...asked.headers, "idempotency-key": crypto.randomUUID() } } : asked) }),
  "same-copy": () => {
    const seen = new Set();
    return {
      answer: ofResults((result, index, { json }) => {
        const copy = JSON.stringify(json?.records[index]);
        const again = seen.has(copy);
        seen.add(copy);
        return again && result.status === "applied" ? [{ id: result.id, status: "rejected", code: "invalid", message: "it is there" }] : [result];
      }),
    };
  },
  stale: () => ({ answer: ofResults((result) => [result.status === "conflict" ? { id: result.id, status: "applied" } : result]) }),
  // The page after the first of a run leaves its first record out.
  pages: () => {
    const inside = new Set();
    return {
      answer: pulled((page, { url }) => {
        const after = inside.has(new URL(url, "http://a").searchParams.get("since"));
        if (page.hasMore) inside.add(page.cursor);
        return after ? { ...page, records: page.records.slice(1) } : page;
      }),
    };
  },
  // What is asked once is gone.
  cursor: () => {
    const asked = new Set();
    return {
      answer: pulled((page, { url }) => {
        const { since, limit } = Object.fromEntries(new URL(url, "http://a").searchParams);
        const again = limit === "2" && asked.has(since);
        asked.add(since);
        return again ? { ...page, records: [] } : page;
      }),
    };
  },
  // Steps over every seventh record, as a time in place of a cursor does with what commits late.
  concurrent: () => {
    let count = 0;
    return { answer: pulled((page, { url }) => (new URL(url, "http://a").searchParams.get("limit") === "3"
      ? { ...page, records: page.records.filter(() => (count += 1) % 7 !== 0) } : page)) };
  },
  // Looks at no token of a reader.
  users: () => {
    let own;
    return {
      request: (asked) => {
        if (asked.method === "POST" && !/not-a-token/.test(asked.headers.authorization)) own ??= asked.headers.authorization;
        return asked.method === "GET" && own ? { ...asked, headers: { ...asked.headers, authorization: own } } : asked;
      },
    };
  },
  tie: () => lastArrivalWins(),
  "tie-delete": () => ({ answer: ofResults((result) => [result.status === "conflict" && result.record.isDeleted ? { id: result.id, status: "applied" } : result]) }),
  quiet: () => {
    // Repeats the newest record at the end of every pull.
    let newest;
    return { answer: pulled((page) => {
      newest = page.records.at(-1) ?? newest;
      return page.records.length === 0 && newest ? { ...page, records: [newest] } : page;
    }) };
  },
  key: () => BREAKS.repeat(),
  duplicate: () => ({ answer: ofResults((result) => [result.code === "duplicate_id" ? { id: result.id, status: "applied" } : result]) }),
  clock: () => ({ answer: ofResults((result) => [result.code === "clock_skew" ? { id: result.id, status: "applied" } : result]) }),
  "bad-cursor": () => ({
    answer: (answered, asked) => (asked.url.includes("not-a-cursor") ? { ...answered, status: 200, body: { records: [], cursor: "not-a-cursor", hasMore: false } } : answered),
  }),
  batch: () => ({
    answer: (answered, asked) => (asked.json?.records.length > 50 ? { ...answered, status: 413, body: { error: { code: "too_large", message: "50", retryable: false } } } : answered),
  }),
  errors: () => ({ answer: (answered) => (answered.status === 401 ? { ...answered, body: { message: "Unauthorized" } } : answered) }),
  cors: () => ({ answer: (answered, asked) => (asked.method === "OPTIONS" ? { status: 200, headers: { "access-control-allow-origin": "*" }, body: {} } : answered) }),
};

/** A copy that comes again is given a newer stamp on its way in. */
function lastArrivalWins() {
  const shift = new Map();
  return {
    request: bodies((json) => ({
      ...json,
      records: json.records.map((record) => {
        const by = (shift.get(record.id) ?? -1) + 1;
        shift.set(record.id, by);
        return { ...record, clientUpdatedAt: record.clientUpdatedAt + by };
      }),
    })),
  };
}
