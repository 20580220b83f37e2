import { describeReadme } from '../../testkit/src/index.ts'

describeReadme(import.meta.url)
