import { describe, expect, it } from '@jest/globals'
import { secondCopyMs } from '../src/courier.ts'
import { SECOND_COPY_MS_MAX, SECOND_COPY_MS_MIN } from '../src/limits.ts'

describe('the second copy of a round', () => {
  it.each([
    [undefined, 0],
    [{ rttMs: 0 }, SECOND_COPY_MS_MIN],
    [{ rttMs: 100 }, SECOND_COPY_MS_MIN],
    [{ rttMs: 200 }, 300],
    [{ rttMs: 334 }, SECOND_COPY_MS_MAX],
    [{ rttMs: Number.POSITIVE_INFINITY }, SECOND_COPY_MS_MAX],
  ])('of which the first has the route %p waits %i ms', (route, expected) => expect(secondCopyMs(route)).toBe(expected))
})
