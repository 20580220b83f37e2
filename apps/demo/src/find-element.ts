/** The element that must be there, as what it must be. */
export function find<Kind extends Element>(selector: string, kind: new () => Kind, root: ParentNode = document): Kind {
  const element = root.querySelector(selector)
  if (!(element instanceof kind)) throw new Error(`index.html has no ${kind.name} at ${selector}`)
  return element
}

/** A fresh copy of the one row in a template. */
export function cloneTemplate(selector: string): HTMLElement {
  const row = find(selector, HTMLTemplateElement).content.firstElementChild?.cloneNode(true)
  if (!(row instanceof HTMLElement)) throw new Error(`index.html has no row in ${selector}`)
  return row
}
