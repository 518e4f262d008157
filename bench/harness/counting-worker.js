// lastword's own worker, with every request to IndexedDB counted. Changes nothing of what it does.
import "/harness/count-requests.js";
import "/pkg/sync-worker.js";
