// Filters of changes as far as we use them: functions, which pouchdb-core asks itself. Selectors, views and filters out of design
// documents are a tenth of what a page loads of PouchDB, and the last two are `eval`; a table has no design documents.

const REFUSAL = 'In a page, changes are filtered by a function: this PouchDB has no selectors, views or design documents.'

export default (PouchDB) => {
  PouchDB._changesFilterPlugin = {
    validate: ({ filter, selector, view }, callback) =>
      callback(selector || view || typeof filter === 'string' ? new Error(REFUSAL) : undefined),
    normalize() {},
    shouldFilter: () => false,
    filter() {},
  }
}
