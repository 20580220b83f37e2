// npm run build: installs and builds everything.
import { ready } from './ready.mjs'

await ready()
