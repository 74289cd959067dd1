import { isIPv4, isIPv6 } from "node:net"
import type { SteeringSettings } from "../domain/documents/GeoDns.ts"
import type { Standing } from "./Standing.ts"

/** Who answers when all candidates are down, and by which rule. */
export interface AllDown {
  readonly rule: "last-good" | "all" | "fallback" | "empty"
  readonly answering: ReadonlyArray<Standing>
}

/**
 * The all-down policy. `lastGood` are the names of the members that were healthy when some last were: those of them that
 * are still candidates answer, or everybody when there are none. A fallback address answers its own family only; the other
 * one goes by `last-good`.
 */
export const allDown = (
  standings: ReadonlyArray<Standing>,
  lastGood: ReadonlySet<string>,
  settings: SteeringSettings,
  ipv6: boolean
): AllDown => {
  if (settings.AllDown === "empty") return { rule: "empty", answering: [] }
  if (settings.AllDown === "fallback" && (ipv6 ? isIPv6(settings.Fallback) : isIPv4(settings.Fallback))) {
    return { rule: "fallback", answering: [] }
  }
  const good = settings.AllDown === "all" ? [] : standings.filter(({ profile }) => lastGood.has(profile.entry.name))
  return good.length > 0 ? { rule: "last-good", answering: good } : { rule: "all", answering: standings }
}
