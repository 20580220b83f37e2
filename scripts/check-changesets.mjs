// The changesets: readable, about packages that exist, and written for the people who read a changelog. Needs no git.
import getReleasePlan from '@changesets/get-release-plan'
import { rootFolder } from './run.mjs'
import { publishedPackages } from './workspace.mjs'

const firstLineLengthMax = 160

/** Resolves to the complaints. */
export async function checkChangesets() {
  const plan = await releasePlan()
  if (plan instanceof Error) return [plan.message]
  const published = new Set(publishedPackages().map(({ name }) => name))
  return plan.changesets.flatMap(({ id, summary, releases }) => [
    ...(summary.trim() ? [] : [`.changeset/${id}.md tells the user nothing`]),
    ...(summary.split('\n')[0].length > firstLineLengthMax
      ? [`.changeset/${id}.md: its first line is over ${firstLineLengthMax} characters`]
      : []),
    ...releases.filter(({ name }) => !published.has(name)).map(({ name }) => `.changeset/${id}.md: ${name} is not published`),
  ])
}

async function releasePlan() {
  try {
    return await (getReleasePlan.default ?? getReleasePlan)(rootFolder)
  } catch (error) {
    return error
  }
}
