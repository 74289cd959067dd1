/** Longer words are compared by their beginning only: it bounds the work. */
const maxLength = 64

/**
 * How many letters must be added, removed, replaced or swapped with their neighbour to turn one word into the other
 * (optimal string alignment). Case counts.
 */
export const editDistance = (a: string, b: string): number => {
  const s = a.slice(0, maxLength)
  const t = b.slice(0, maxLength)
  let older: Array<number> = []
  let old = Array.from({ length: t.length + 1 }, (_, j) => j)
  for (let i = 1; i <= s.length; i++) {
    const row = [i]
    for (let j = 1; j <= t.length; j++) {
      const same = s[i - 1] === t[j - 1]
      let best = Math.min(old[j]! + 1, row[j - 1]! + 1, old[j - 1]! + (same ? 0 : 1))
      if (i > 1 && j > 1 && s[i - 1] === t[j - 2] && s[i - 2] === t[j - 1]) best = Math.min(best, older[j - 2]! + 1)
      row.push(best)
    }
    older = old
    old = row
  }
  return old[t.length]!
}

/** The candidate that is most probably meant, whatever the case; undefined when none is close. */
export const nearest = (word: string, candidates: Iterable<string>): string | undefined => {
  const wanted = word.toLowerCase()
  const limit = Math.max(1, Math.floor(Math.min(wanted.length, maxLength) / 3))
  let found: string | undefined
  let best = limit + 1
  for (const candidate of candidates) {
    if (Math.abs(Math.min(candidate.length, maxLength) - Math.min(wanted.length, maxLength)) >= best) continue
    const distance = editDistance(wanted, candidate.toLowerCase())
    if (distance < best) {
      best = distance
      found = candidate
    }
  }
  return found
}

/** `did you mean "X"?`, else the candidates when they are few. */
export const suggestion = (word: string, candidates: Iterable<string>): string | undefined => {
  const all = [...candidates]
  const near = nearest(word, all)
  if (near !== undefined) return `did you mean ${JSON.stringify(near)}?`
  return all.length > 0 && all.length <= 8 ? `known: ${all.join(", ")}` : undefined
}
