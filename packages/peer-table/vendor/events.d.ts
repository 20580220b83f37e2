import type { EventEmitter } from 'node:events'

declare const emitter: new () => Pick<
  EventEmitter,
  'on' | 'once' | 'off' | 'emit' | 'removeAllListeners' | 'listeners' | 'listenerCount'
>
export default emitter
