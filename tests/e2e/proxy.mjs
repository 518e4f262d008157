// A backend that misbehaves on purpose: passes requests on to the real server, but for those a test answers itself.
import { once } from "node:events";
import { createServer, request } from "node:http";

/** `proxy.answer = (request) => ({ status, headers, body, cutAt })` replaces answers; undefined passes the request on. */
export async function startProxy(target) {
  const waiting = new Set();
  const proxy = {
    answer: () => undefined,
    seen: [],
    /** Resolves when what was asked for so far passes the test. */
    until: (test) => new Promise((resolve) => {
      const look = () => test(proxy.seen) && waiting.delete(look) && resolve();
      waiting.add(look);
      look();
    }),
  };
  const server = createServer(async (incoming, outgoing) => {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const { method, url, headers } = incoming;
    proxy.seen.push({ method, url });
    for (const look of [...waiting]) look();
    const answer = await proxy.answer({ method, path: new URL(url, "http://proxy").pathname, url, headers, body });
    if (answer) return reply(outgoing, answer);
    const onward = request(new URL(url, target()), { method, headers: { ...headers, host: new URL(target()).host } }, (from) => {
      outgoing.writeHead(from.statusCode, from.headers);
      from.on("error", () => outgoing.destroy());
      from.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    onward.end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  proxy.url = `http://127.0.0.1:${server.address().port}`;
  proxy.close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  return proxy;
}

/** Sends the answer; with `cutAt` the connection ends after that many bytes of it. */
function reply(outgoing, { status = 200, headers = {}, body = "", cutAt }) {
  const bytes = Buffer.isBuffer(body) || typeof body === "string" ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
  outgoing.writeHead(status, { "content-type": "application/json", "content-length": bytes.length, ...headers });
  if (cutAt === undefined) return outgoing.end(bytes);
  outgoing.write(bytes.subarray(0, cutAt), () => outgoing.destroy());
}
