/**
 * Whether anyone would notice a change soon: if not, the timer may be slow. Never stops it, and never starts a round.
 *
 * Slow is: no page of the database is visible, nothing happened for a while, the user saves data, or the backend says by
 * itself when something changed.
 */

import type { Trigger } from "./core.js";

/** What the browser knows of the network, where it tells. */
interface Connection extends EventTarget {
  readonly saveData?: boolean;
  readonly effectiveType?: string;
}

/** Watches for attention; `tell` hears of each turn. */
export class Attention {
  readonly #tell: (isSlow: boolean) => void;
  readonly #connection = (navigator as Navigator & { connection?: Connection }).connection;
  readonly #hidden = new Set<string>();
  readonly #visible = new Set<string>();
  #isLive = false;
  #isSlow = false;
  #stirredAt = performance.now();

  constructor(tell: (isSlow: boolean) => void) {
    this.#tell = tell;
    this.#connection?.addEventListener("change", () => this.look());
  }

  /** True when the user or the network asks for little traffic. */
  get isSaving(): boolean {
    return this.#connection?.saveData === true || this.#connection?.effectiveType?.endsWith("2g") === true;
  }

  /** A page told something of itself. */
  hinted(kind: Trigger, tab: string): void {
    if (kind === "hidden" || kind === "freeze") {
      this.#visible.delete(tab);
      this.#hidden.add(tab);
    } else {
      this.#hidden.delete(tab);
      this.#visible.add(tab);
    }
    this.stir();
  }

  /** The stream of pokes is open, or no longer is. */
  live(is: boolean): void {
    this.#isLive = is;
    this.look();
  }

  /** Something happened here. */
  stir(): void {
    this.#stirredAt = performance.now();
    this.look();
  }

  /** Looks whether the pace should change. */
  look(): void {
    const isIdle = performance.now() - this.#stirredAt > IDLE_MS;
    // A page that never said anything is a visible one.
    const isHidden = this.#visible.size === 0 && this.#hidden.size > 0;
    const isSlow = this.#isLive || isHidden || isIdle || this.isSaving;
    if (isSlow === this.#isSlow) return;
    this.#isSlow = isSlow;
    this.#tell(isSlow);
  }
}

const IDLE_MS = 300_000;
