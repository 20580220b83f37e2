// A node in Node that has the notes too, so that they outlive closed tabs: node node/keep-notes.mjs [key to call …]
import memoryAdapter from 'pouchdb-adapter-memory'
import PouchDB from 'pouchdb-core'
import { Swarm } from 'resilient-swarm'
import { createNote, DATABASE_NAME, isNote } from '../src/note.mjs'

const database = new (PouchDB.plugin(memoryAdapter))(DATABASE_NAME, { adapter: 'memory' })
const swarm = new Swarm()
const replication = swarm.replicate(database, { name: DATABASE_NAME, admit: isNote })

console.log(`these notes are kept by ${swarm.publicKey}`)
replication.on('change', ({ change }) => {
  for (const { _deleted, _id, author, text } of change.docs) console.log(_deleted ? `struck out: ${_id}` : `${author}: ${text}`)
})
replication.on('denied', ({ peer, doc }) => console.log(`${doc.id} of ${peer} is no note`))
swarm.on('error', (error) => console.error(error.message))

for (const key of process.argv.slice(2)) swarm.call(key).catch(() => (process.exitCode = 1))
await database.put(createNote({ text: 'Whatever is written here stays while this process runs.', author: 'Node' }))

process.once('SIGINT', () => swarm.close())
