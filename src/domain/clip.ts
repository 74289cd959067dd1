/** A text of at most `length` characters: one that is longer ends with `…`. */
export const clip = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text
