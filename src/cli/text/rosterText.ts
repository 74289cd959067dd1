import { electorateOf, quorum, type Roster, rosterDoubts, rosterProblems } from "../../consensus/sealed/Roster.ts"
import { isSignedBy, type RosterFile, rosterOf } from "../../consensus/sealed/rosterFile.ts"
import type { NodeRole } from "../../domain/wire/Cluster.ts"
import { counted } from "../counted.ts"
import type { Paint } from "../explanationText.ts"
import { plain } from "./plain.ts"
import { table } from "./table.ts"

/** The roles as an operator writes them, and as they are on the wire. */
export const roleNames = {
  monitor: "IBPMonitor",
  dns: "IBPDns",
  collator: "IBPCollator"
} as const satisfies Readonly<Record<string, NodeRole>>

const roleText = (role: NodeRole): string =>
  Object.entries(roleNames).find(([, onTheWire]) => onTheWire === role)?.[0] ?? role

/** `3 of 5 votes`. */
const votesNeeded = (roster: Roster, ipv6: boolean): string => {
  const n = electorateOf(roster, { ipv6 }).length
  return `${quorum(n)} of ${counted(n, "vote")}`
}

const problemLines = (roster: Roster, paint: Paint): ReadonlyArray<string> => {
  const problems = rosterProblems(roster)
  return [
    ...problems.map((problem) => `${paint.bad("not usable yet:")} ${plain(problem)}`),
    ...problems.length > 0 ? [] : rosterDoubts(roster).map((doubt) => `${paint.bold("mind:")} ${plain(doubt)}`)
  ]
}

/** What a change made of a roster, and what is to be done next. */
export const changedText = (path: string, file: RosterFile, paint: Paint): ReadonlyArray<string> => [
  `wrote ${path}: epoch ${file.epoch} of ${plain(file.cluster)} with ${counted(file.members.length, "member")}`,
  ...problemLines(file, paint),
  ...rosterProblems(file).length > 0
    ? []
    : [`a decision takes ${votesNeeded(file, false)} on IPv4 targets, ${votesNeeded(file, true)} on IPv6 targets`]
]

const signatureText = (file: RosterFile, operatorKey: string | undefined): string =>
  file.sig === undefined
    ? "not signed"
    : operatorKey === undefined
    ? "signed (by whom is checked with --operator-key)"
    : isSignedBy(file, operatorKey)
    ? "signed by this operator"
    : "not signed by this operator"

/** A roster for people. */
export const rosterText = (
  file: RosterFile,
  options: { readonly operatorKey: string | undefined; readonly room: number | undefined; readonly paint: Paint }
): ReadonlyArray<string> => {
  const { operatorKey, paint, room } = options
  const earlier = file.earlier ?? []
  return [
    `${paint.bold(plain(file.cluster))}, epoch ${file.epoch}, ${signatureText(file, operatorKey)}`,
    earlier.length === 0
      ? "no earlier epoch"
      : `with ${counted(earlier.length, "earlier epoch")}, from ${earlier[0]!.epoch} on`,
    ...file.minEpoch > 1 ? [`nothing before epoch ${file.minEpoch} counts`] : [],
    `a decision takes ${votesNeeded(file, false)} on IPv4 targets, ${votesNeeded(file, true)} on IPv6 targets`,
    ...problemLines(file, paint),
    ...file.members.length === 0 ? [] : [
      "",
      ...table(
        [{ title: "ID" }, { title: "ROLE" }, { title: "IPV6" }, { title: "REGION" }, { title: "KEY" }],
        file.members.map(({ id, ipv6, key, region, role }) => [
          { text: id },
          { text: roleText(role) },
          { text: ipv6 ? "yes" : "no" },
          { text: region ?? "" },
          { text: key }
        ]),
        { room, title: paint.dim }
      )
    ]
  ]
}

/** The same for programs. */
export const rosterDocument = (file: RosterFile, operatorKey: string | undefined) => {
  const needs = (ipv6: boolean) => {
    const electorate = electorateOf(file, { ipv6 }).length
    return { electorate, quorum: quorum(electorate) }
  }
  return {
    ...rosterOf(file),
    earlier: (file.earlier ?? []).map(({ epoch }) => epoch),
    signed: file.sig !== undefined,
    ...operatorKey !== undefined && { signedByOperator: isSignedBy(file, operatorKey) },
    needs: { ipv4: needs(false), ipv6: needs(true) },
    problems: rosterProblems(file),
    doubts: rosterDoubts(file)
  }
}
