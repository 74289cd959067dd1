import type { OnceReport, OnceResult } from "../../monitor/runOnce.ts"
import { counted } from "../counted.ts"
import type { Paint } from "../explanationText.ts"
import { plain } from "./plain.ts"
import { table } from "./table.ts"
import { familyText, whatText } from "./targetText.ts"

const stateOf = ({ leftOut, observation }: OnceResult): "down" | "?" | "-" | "up" =>
  leftOut !== undefined ? "-" : observation === undefined ? "?" : observation.up ? "up" : "down"

const rank = { down: 0, "?": 1, "-": 2, up: 3 } as const

const compare = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0

/** How many targets are up, down, not tried, and left out. */
export const countOnce = ({ results }: OnceReport) => {
  const states = Map.groupBy(results, stateOf)
  const count = (state: ReturnType<typeof stateOf>) => states.get(state)?.length ?? 0
  return { up: count("up"), down: count("down"), untried: count("?"), leftOut: count("-") }
}

/** What every check saw once, what is down first. */
export const onceText = (
  report: OnceReport,
  { paint, room }: { readonly paint: Paint; readonly room: number | undefined }
): ReadonlyArray<string> => {
  const { down, leftOut, untried, up } = countOnce(report)
  const painted = { up: paint.good, down: paint.bad, "?": paint.dim, "-": paint.dim }
  const rows = report.results
    .toSorted((a, b) =>
      rank[stateOf(a)] - rank[stateOf(b)] || compare(a.target.member, b.target.member) ||
      compare(whatText(a.target), whatText(b.target))
    )
    .map((result) => {
      const { observation, target } = result
      const state = stateOf(result)
      return [
        { text: state, paint: painted[state] },
        { text: target.member },
        { text: whatText(target) },
        { text: familyText(target) },
        { text: observation === undefined ? "" : `${observation.latency}` },
        { text: result.leftOut ?? (observation === undefined ? "this machine could not try" : observation.error) }
      ]
    })
  const columns = [
    { title: "" },
    { title: "MEMBER" },
    { title: "CHECK" },
    { title: "IP" },
    { title: "MS", right: true },
    { title: "ERROR" }
  ]
  return [
    ...rows.length === 0 ? [] : [...table(columns, rows, { room, title: paint.dim }), ""],
    ...report.problems.map(({ about, problem }) => paint.bad(plain(`${about}: ${problem}`))),
    ...(["ipv4", "ipv6"] as const)
      .filter((version) => report.reach[version] !== "all")
      .map((version) =>
        paint.dim(
          `This machine has no ${version === "ipv4" ? "IPv4" : "IPv6"} beyond ${
            report.reach[version] === "none" ? "link-local addresses" : "loopback"
          }: what lies there is left out.`
        )
      ),
    `${counted(report.results.length, "target")}: ${up} up, ${down} down${
      untried === 0 ? "" : `, ${untried} not tried`
    }${leftOut === 0 ? "" : `, ${leftOut} left out`}`
  ]
}
