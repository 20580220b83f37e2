// Reads the limits out of the text of a limits.ts: every exported constant, its value as written, and the comment beside it.
import ts from 'typescript'

/** Rows `{ limit, value, why }` in the order of the file. A constant without a comment shares that of the one before it. */
export function parseLimits(text) {
  const file = ts.createSourceFile('limits.ts', text, ts.ScriptTarget.Latest, true)
  const rows = []
  for (const statement of file.statements) {
    if (!ts.isVariableStatement(statement) || !isExported(statement)) continue
    for (const { name, initializer } of statement.declarationList.declarations) {
      collectRows({ text, rows, node: statement, limit: name.getText(), value: bareValue(initializer) })
    }
  }
  return rows
}

/** One row for a plain value; one for each property of an object. */
function collectRows({ text, rows, node, limit, value }) {
  const why = commentBeside({ text, node })
  if (!ts.isObjectLiteralExpression(value)) {
    rows.push({ limit, value: oneLine(value.getText()), why: why ?? rows.at(-1)?.why ?? '' })
    return
  }
  const firstRow = rows.length
  for (const property of value.properties) {
    if (!ts.isPropertyAssignment(property)) continue
    const inner = {
      text,
      rows,
      node: property,
      limit: `${limit}.${property.name.getText()}`,
      value: bareValue(property.initializer),
    }
    collectRows(inner)
  }
  if (why && rows[firstRow] && !commentBeside({ text, node: value.properties[0] })) rows[firstRow].why = why
}

function isExported(statement) {
  return statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false
}

/** The value inside `… as const`, `… satisfies T`, `Object.freeze(…)` and brackets. */
function bareValue(node) {
  if (ts.isAsExpression(node) || ts.isSatisfiesExpression(node) || ts.isParenthesizedExpression(node))
    return bareValue(node.expression)
  if (ts.isCallExpression(node) && node.expression.getText() === 'Object.freeze') return bareValue(node.arguments[0])
  return node
}

function commentBeside({ text, node }) {
  const before = ts.getLeadingCommentRanges(text, node.getFullStart()) ?? []
  const touching = before.filter((range) => !text.slice(range.end, node.getStart()).includes('\n\n'))
  const afterComma = text[node.getEnd()] === ',' ? node.getEnd() + 1 : node.getEnd()
  const behind = ts.getTrailingCommentRanges(text, afterComma) ?? []
  const ranges = [...lastBlock({ text, ranges: touching }), ...behind]
  if (ranges.length === 0) return undefined
  return oneLine(ranges.map(({ pos, end }) => plainWords(text.slice(pos, end))).join(' '))
}

/** The comments directly above, without those that a blank line separates (the file's own first line). */
function lastBlock({ text, ranges }) {
  const cut = ranges.findLastIndex((range, index) => index > 0 && text.slice(ranges[index - 1].end, range.pos).includes('\n\n'))
  return ranges.slice(Math.max(cut, 0))
}

function plainWords(comment) {
  return comment
    .replace(/^\/\*\*?|\*\/$/g, '')
    .replace(/^\s*(\/\/+|\*)\s?/gm, '')
    .trim()
}

function oneLine(text) {
  return text.replace(/\s+/g, ' ').replaceAll('|', '\\|').trim()
}
