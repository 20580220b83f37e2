// The process that `read-apart.ts` starts: reads one database, tells what it finds, and ends. It may die of what it reads.
import { SALVAGE_BATCH } from './limits.ts'
import { readStoredDocuments } from './stored-documents.ts'

process.once('disconnect', () => process.exit())
process.once('message', (asked: { readonly path: string; readonly documentsMax: number }) => void read(asked))

async function read({ path, documentsMax }: { readonly path: string; readonly documentsMax: number }): Promise<void> {
  let documents: object[] = []
  const tell = (message: object): void => void process.send?.(message)
  const flush = (): void => {
    if (documents.length > 0) tell({ documents })
    documents = []
  }
  const { damage, isLocked } = await readStoredDocuments({
    path,
    documentsMax,
    onDocument(document) {
      documents.push(document)
      if (documents.length >= SALVAGE_BATCH) flush()
    },
  })
  flush()
  tell({ damage: damage.map((cause) => (cause instanceof Error ? cause.message : String(cause))), isLocked })
  process.disconnect?.()
}
