import { capWindow } from "./removalCap.ts"
import type { Standing } from "./Standing.ts"

/**
 * The candidates that went down in the same burst as the last of them, by `Details.Name`: less than {@link capWindow} before it, or
 * before `now` (milliseconds since the epoch) as long as others are healthy. What goes within one window is one event: its
 * last survivor was no better than those that went seconds before it.
 */
export const goneLately = (standings: ReadonlyArray<Standing>, now: number): ReadonlyArray<string> => {
  const gone = standings.flatMap(({ downSince, profile }) =>
    downSince === undefined ? [] : [{ name: profile.entry.name, since: downSince }]
  )
  if (gone.length === 0) return nobody
  const isAnyLeft = gone.length < standings.length
  const end = isAnyLeft ? now : gone.reduce((latest, { since }) => Math.max(latest, since), Number.NEGATIVE_INFINITY)
  return gone.flatMap(({ name, since }) => since > end - capWindow ? [name] : [])
}

const nobody: ReadonlyArray<string> = []
