/** What the page and its service worker sync. */
export const entities = { notes: { detect: "scan" } };
