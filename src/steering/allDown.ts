import { isIPv4, isIPv6 } from "node:net"
import type { SteeringSettings } from "../domain/documents/GeoDns.ts"
import type { Standing } from "./Standing.ts"

/** Who answers when all candidates are down, or there are none because of overrides, and by which rule. */
export interface AllDown {
  readonly rule: "last-good" | "all" | "fallback" | "empty"
  readonly answering: ReadonlyArray<Standing>
}

/**
 * The all-down policy. `lastHealthy` are the names of the members that were healthy last, see `LastHealthy`: those of them that
 * are still candidates and went in one burst with the last one answer, or everybody when there are none. A fallback address
 * answers its own family only; the other one goes by `last-good`.
 *
 * Overrides come from people, and may come from a forger: they take members out while others answer, and never leave the
 * clients with nobody, or with nobody but members that were down before. So where no candidate was healthy last, those that
 * are overridden and healthy answer, of them first those that were healthy last.
 */
export const allDown = (options: {
  readonly standings: ReadonlyArray<Standing>
  readonly overridden: ReadonlyArray<Standing>
  readonly lastHealthy: ReadonlySet<string>
  /** Those of them that were healthy to the last. */
  readonly survivors: ReadonlySet<string>
  /** The candidates that went down in one burst with the last of them, see `goneLately`. */
  readonly lately: ReadonlySet<string>
  readonly settings: SteeringSettings
  readonly ipv6: boolean
}): AllDown => {
  const { ipv6, lastHealthy, lately, overridden, settings, standings, survivors } = options
  if (settings.AllDown === "empty") return { rule: "empty", answering: [] }
  if (settings.AllDown === "fallback" && (ipv6 ? isIPv6(settings.Fallback) : isIPv4(settings.Fallback))) {
    return { rule: "fallback", answering: [] }
  }
  const healthy = overridden.filter(({ goesAt }) => goesAt === undefined)
  const isGood = ({ profile }: Standing) => settings.AllDown !== "all" && survivors.has(profile.entry.name)
  const wentWith = ({ profile: { entry } }: Standing) => lastHealthy.has(entry.name) && lately.has(entry.name)
  const choices: ReadonlyArray<AllDown> = [
    { rule: "last-good", answering: standings.some(isGood) ? standings.filter(wentWith) : [] },
    { rule: "last-good", answering: standings.filter(isGood) },
    { rule: "last-good", answering: healthy.filter(isGood) },
    { rule: "all", answering: healthy },
    { rule: "all", answering: standings },
    { rule: "last-good", answering: overridden.filter(isGood) }
  ]
  return choices.find(({ answering }) => answering.length > 0) ?? { rule: "all", answering: overridden }
}
