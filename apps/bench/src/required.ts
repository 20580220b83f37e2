/** The value, or an error that says what was asked too early. */
export function required<Value>(value: Value | undefined, told: string): Value {
  if (value === undefined) throw new Error(told)
  return value
}
