import { find } from './find-element.ts'

/** The bar at the top for what the whole page should know. The latest sentence stands. */
export interface Notice {
  tell(sentence: string): void
  /** As `tell`, with a button that starts this tab as a new node. */
  offerNewNode(sentence: string, onNewNode: () => void): void
  clear(): void
}

export function createNotice(): Notice {
  const bar = find('#notice', HTMLElement)
  const text = find('p', HTMLElement, bar)
  const button = find('button', HTMLButtonElement, bar)
  return {
    tell(sentence) {
      bar.hidden = false
      text.textContent = sentence
    },
    offerNewNode(sentence, onNewNode) {
      this.tell(sentence)
      button.hidden = false
      button.onclick = onNewNode
    },
    clear() {
      if (button.hidden) bar.hidden = true
    },
  }
}
