// Two RxDB databases replicate through lastword-server with nothing but its REST endpoints and its event stream.
// Usage: node replicate.mjs URL KEY. Exits 0 when both end equal, with the changes of both.

import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { Subject } from "rxjs"
import { createRxDatabase } from "rxdb/plugins/core"
import { replicateRxCollection } from "rxdb/plugins/replication"
import { getRxStorageMemory } from "rxdb/plugins/storage-memory"

const [url, key] = process.argv.slice(2)
const path = `${url}/api/v1/workout-logs`
const headers = { authorization: `Bearer ${key}`, "x-sync-protocol": "1" }

const schema = {
  version: 0,
  primaryKey: "id",
  type: "object",
  properties: {
    id: { type: "string", maxLength: 128 },
    name: { type: "string" },
    reps: { type: "integer" },
    updatedAt: { type: "integer" },
  },
  required: ["id", "name", "updatedAt"],
}

// The mapping between RxDB's documents and the server's records is all that is needed.
const toRecord = ({ id, name, reps, updatedAt, _deleted }) => ({ id, name, reps, clientUpdatedAt: updatedAt, isDeleted: _deleted })
const toDocument = ({ id, name, reps, clientUpdatedAt, isDeleted }) => ({ id, name, reps, updatedAt: clientUpdatedAt, _deleted: isDeleted })

const lastWriteWins = {
  isEqual: (a, b) => a.updatedAt === b.updatedAt && a._deleted === b._deleted,
  resolve: ({ newDocumentState: local, realMasterState: master }) => (local.updatedAt > master.updatedAt ? local : master),
}

async function answer(response) {
  assert.equal(response.status, 200, await (response.ok ? "" : response.text()))
  return response.json()
}

async function pull(checkpoint, limit) {
  const query = new URLSearchParams({ limit: String(limit), ...(checkpoint && { since: checkpoint.cursor }) })
  const page = await answer(await fetch(`${path}?${query}`, { headers }))
  return { documents: page.records.map(toDocument), checkpoint: { cursor: page.cursor } }
}

const pushFrom = deviceId => async rows => {
  const records = rows.map(row => toRecord(row.newDocumentState))
  const body = JSON.stringify({ deviceId, records })
  const request = { method: "POST", headers: { ...headers, "content-type": "application/json", "idempotency-key": randomUUID() }, body }
  const { results } = await answer(await fetch(`${path}/batch`, request))
  assert.ok(results.every(({ status }) => status === "applied" || status === "conflict"), JSON.stringify(results))
  return results.filter(({ status }) => status === "conflict").map(({ record }) => toDocument(record))
}

/** Each poke of the server asks RxDB to pull. */
function pokes(signal) {
  const stream = new Subject()
  const listening = fetch(`${url}/api/v1/events`, { headers, signal }).then(async response => {
    const text = response.body.pipeThrough(new TextDecoderStream())
    for await (const chunk of text) if (chunk.includes("event: change")) stream.next("RESYNC")
  })
  listening.catch(error => { if (error.name !== "AbortError") throw error })
  return stream
}

async function replica(name) {
  const database = await createRxDatabase({ name: `${name}-${randomUUID()}`, storage: getRxStorageMemory(), multiInstance: false })
  const { logs } = await database.addCollections({ logs: { schema, conflictHandler: lastWriteWins } })
  const stop = new AbortController()
  const replication = replicateRxCollection({
    collection: logs,
    replicationIdentifier: `lastword-${name}`,
    pull: { handler: pull, batchSize: 2, stream$: pokes(stop.signal) },
    push: { handler: pushFrom(randomUUID()), batchSize: 2 },
    live: true,
    retryTime: 100,
  })
  const errors = []
  replication.error$.subscribe(error => errors.push(error))
  await replication.awaitInitialReplication()
  return { name, logs, replication, errors, end: async () => { stop.abort(); await database.close() } }
}

const contents = async ({ logs }) =>
  (await logs.find({ sort: [{ id: "asc" }] }).exec()).map(document => { const { id, name, reps } = document.toJSON(); return { id, name, reps } })

/** Waits until the collection shows what is expected: by its own change events, not by time. */
async function shows(one, expected) {
  const seen = new Promise(resolve => {
    const subscription = one.logs.find().$.subscribe(async () => {
      if (JSON.stringify(await contents(one)) === JSON.stringify(expected)) resolve(subscription)
    })
  })
  const late = new Promise((_, reject) => setTimeout(async () => {
    reject(new Error(`${one.name} shows ${JSON.stringify(await contents(one))}, not ${JSON.stringify(expected)}; ${one.errors}`))
  }, 20_000).unref())
  ;(await Promise.race([seen, late])).unsubscribe()
}

const phone = await replica("phone")
const laptop = await replica("laptop")

const logs = ["a", "b", "c", "d", "e"].map((id, n) => ({ id, name: `squat ${id}`, reps: n, updatedAt: 1_700_000_000_000 + n }))
await phone.logs.bulkInsert(logs)
const plain = logs.map(({ id, name, reps }) => ({ id, name, reps }))
await shows(laptop, plain)
console.log("created on one, shown on the other, by a poke")

await (await laptop.logs.findOne("b").exec()).patch({ reps: 50, updatedAt: 1_700_000_001_000 })
plain[1].reps = 50
await shows(phone, plain)
console.log("edited on one, shown on the other")

await (await phone.logs.findOne("c").exec()).remove()
plain.splice(2, 1)
await shows(laptop, plain)
console.log("deleted on one, gone on the other")

// Both edit the same record while neither hears of the other: the newer edit stays, on both.
await phone.replication.pause()
await laptop.replication.pause()
await (await phone.logs.findOne("d").exec()).patch({ name: "older", updatedAt: 1_700_000_002_000 })
await (await laptop.logs.findOne("d").exec()).patch({ name: "newer", updatedAt: 1_700_000_003_000 })
await phone.replication.start()
await phone.replication.awaitInSync()
await laptop.replication.start()
plain[2].name = "newer"
await shows(laptop, plain)
await shows(phone, plain)
console.log("edited on both, the newer edit stays on both")

await (await laptop.logs.findOne("e").exec()).patch({ name: "newer", updatedAt: 1_700_000_005_000 })
plain[3].name = "newer"
await shows(phone, plain)
assert.deepEqual([...phone.errors, ...laptop.errors], [])
await phone.end()
await laptop.end()
console.log("equal")
process.exit(0)
