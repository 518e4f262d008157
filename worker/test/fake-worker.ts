/** A Worker whose other end runs in this process, behind a real MessagePort: messages are cloned as between threads. */

import { expose } from "comlink";
import type { SyncEvent } from "lastword";
import type { HostApi, WorkerApi } from "../messages.js";

/** What the test does in place of the core. */
export interface Script {
  open?: (config: unknown) => string | null | Promise<string | null>;
  call: (name: string, args: unknown[]) => unknown;
}

export class FakeWorker extends EventTarget {
  static made: FakeWorker[] = [];
  terminated = false;
  host: HostApi | undefined;
  config: unknown;
  readonly #page: MessagePort;
  readonly #inside: MessagePort;

  constructor(script: Script) {
    super();
    FakeWorker.made.push(this);
    const { port1, port2 } = new MessageChannel();
    this.#page = port1;
    this.#inside = port2;
    const api: WorkerApi = {
      open: async (config, host) => {
        this.config = config;
        this.host = host;
        return (await script.open?.(config)) ?? null;
      },
      call: async (name, ...args) => script.call(name, args) as never,
    };
    expose(api, port2 as never);
    port1.addEventListener("message", (event) => this.dispatchEvent(new MessageEvent("message", { data: event.data, ports: [...event.ports] as never })));
    port1.start();
  }

  postMessage(message: unknown, transfer: Transferable[] = []): void {
    this.#page.postMessage(message, transfer as never);
  }

  emit(event: SyncEvent): unknown {
    return this.host?.emit(event);
  }

  terminate(): void {
    this.terminated = true;
    this.#page.close();
    this.#inside.close();
  }
}
