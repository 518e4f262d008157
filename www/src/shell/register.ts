/** Makes the page open without a network, where the browser can. The app works without it. */

export function keepShell(): void {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  navigator.serviceWorker.register("./shell-worker.js").catch((error: unknown) => console.warn("the page is not kept for offline use:", error));
}
