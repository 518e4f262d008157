// Counts the requests to IndexedDB of this thread, by method. A page hears them over a channel: `count` asks, and begins anew.

let counts = {};

function counted(type, methods) {
  for (const method of methods) {
    const original = type.prototype[method];
    if (!original) continue;
    type.prototype[method] = function (...args) {
      counts[method] = (counts[method] ?? 0) + 1;
      return original.apply(this, args);
    };
  }
}

counted(IDBObjectStore, ["put", "add", "delete", "clear", "get", "getKey", "getAll", "getAllKeys", "getAllRecords", "count", "openCursor", "openKeyCursor"]);
counted(IDBIndex, ["get", "getKey", "getAll", "getAllKeys", "getAllRecords", "count", "openCursor", "openKeyCursor"]);
counted(IDBDatabase, ["transaction"]);

const channel = new BroadcastChannel("bench-counts");
channel.onmessage = ({ data }) => {
  if (data !== "count") return;
  channel.postMessage(counts);
  counts = {};
};
