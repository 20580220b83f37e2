declare module 'pouchdb-browser' {
  const PouchDB: PouchDB.Static
  export default PouchDB
}
