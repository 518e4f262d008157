/** The few parts of a page that the client touches, for tests outside a browser. */

const page = new EventTarget() as EventTarget & { document: EventTarget };
page.document = Object.assign(new EventTarget(), { hidden: false, baseURI: "https://app.example/logs/" });
Object.assign(globalThis, { window: page, document: page.document });
globalThis.reportError ??= (thrown) => queueMicrotask(() => { throw thrown; });

/** Raises an event of the window, as the browser would. */
export function raise(type: string): void {
  page.dispatchEvent(new Event(type));
}
