/** A plugin of PouchDB's. */
declare function applyChangesFilter(PouchDB: object): void
export default applyChangesFilter
