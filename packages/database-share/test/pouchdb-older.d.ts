// The same packages by other names, for tests against older versions.
declare module 'pouchdb-core-7' {
  const PouchDB: PouchDB.Static & { readonly version: string }
  export default PouchDB
}
declare module 'pouchdb-core-8' {
  const PouchDB: PouchDB.Static & { readonly version: string }
  export default PouchDB
}
declare module 'pouchdb-adapter-memory-7' {
  const plugin: PouchDB.Plugin
  export default plugin
}
declare module 'pouchdb-adapter-memory-8' {
  const plugin: PouchDB.Plugin
  export default plugin
}
