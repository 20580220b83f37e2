declare module 'pouchdb-replication' {
  const plugin: unknown
  export default plugin
}
