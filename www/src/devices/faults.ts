/**
 * Faults for one device of the two-device view: cut network, slow network, failing server, wrong clock.
 *
 * Imported first in that device's worker, so the sync core meets the faults where it would meet real ones.
 */

/** What is wrong with a device. */
export interface Faults {
  offline: boolean;
  slow: boolean;
  failing: boolean;
  /** Milliseconds that the device's clock is ahead. */
  skewMs: number;
}

const faults: Faults = { offline: false, slow: false, failing: false, skewMs: 0 };
const channel = new BroadcastChannel(`faults:${self.name}`);
channel.onmessage = ({ data }: MessageEvent<Partial<Faults>>) => void Object.assign(faults, data);
channel.postMessage("ready");

const realFetch = self.fetch.bind(self);
const realNow = Date.now.bind(Date);

Date.now = () => realNow() + faults.skewMs;

self.fetch = async (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input, self.location.href);
  if (!url.pathname.startsWith("/api/")) return realFetch(input, init);
  if (faults.offline) throw new TypeError("Failed to fetch");
  if (faults.slow) await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
  if (faults.failing) {
    const error = { code: "unavailable", message: "switched to failing", retryable: true };
    return new Response(JSON.stringify({ error }), { status: 503, headers: { "content-type": "application/json" } });
  }
  return realFetch(input, init);
};

const SLOW_MS = 1500;
