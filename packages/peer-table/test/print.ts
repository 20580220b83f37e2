/** A seed or a figure, for whoever reads the log of a run. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
