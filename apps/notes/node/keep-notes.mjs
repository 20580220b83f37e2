// A node in Node that has the notes too, so that they outlive closed tabs: node node/keep-notes.mjs [key to call …]
import memoryAdapter from 'pouchdb-adapter-memory'
import PouchDB from 'pouchdb-core'
import { Swarm } from 'resilient-swarm'
import { createNote, DATABASE_NAME, isNote } from '../src/note.mjs'

/** Keeps the notes in memory and tells what comes; resolves with the swarm. */
export async function keepNotes({ signals, call = [], tell = console.log } = {}) {
  const database = new (PouchDB.plugin(memoryAdapter))(DATABASE_NAME, { adapter: 'memory' })
  const swarm = new Swarm(signals ? { signals } : {})
  const replication = swarm.replicate(database, { name: DATABASE_NAME, admit: isNote })
  replication.on('change', ({ change }) => {
    for (const { _deleted, _id, author, text } of change.docs) tell(_deleted ? `struck out: ${_id}` : `${author}: ${text}`)
  })
  replication.on('denied', ({ peer, doc }) => tell(`${doc.id} of ${peer} is no note`))
  swarm.on('error', (error) => tell(error.message))
  for (const key of call) swarm.call(key).catch(() => {}) // told by `error`
  await database.put(createNote({ text: 'Whatever is written here stays while this process runs.', author: 'Node' }))
  return swarm
}

if (import.meta.filename === process.argv[1]) {
  const swarm = await keepNotes({ call: process.argv.slice(2) })
  console.log(`these notes are kept by ${swarm.publicKey}`)
  process.once('SIGINT', () => swarm.close())
}
