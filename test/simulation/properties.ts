import { describeTarget, type Target, targetKey } from "../../src/domain/Target.ts"
import type { Decision } from "../../src/status/Decision.ts"
import type { NodeReport, Report, Timed } from "./simulate.ts"

/**
 * What went wrong in a run, told so that the seed and the place can be found. The properties are those of
 * `docs/consensus.md`, as far as the mode promises them.
 */
export type Violations = ReadonlyArray<string>

const decisions = (node: NodeReport): ReadonlyArray<Timed<Decision>> =>
  node.events.flatMap(({ at, what }) => what._tag === "Decided" ? [{ at, what: what.decision }] : [])

const monitorsOf = (report: Report) => report.nodes.filter(({ role }) => role === "IBPMonitor")

const sees = (report: Report, monitor: string, target: Target, at: number): boolean =>
  report.scenario.misjudge?.(monitor, target, at) ?? report.scenario.world.isUp(target, at)

/** Nothing that is logged as an error. */
export const noErrors = (report: Report): Violations => report.errors.map((error) => `logged: ${error}`)

/** One status per decision id, on all nodes. */
export const oneStatusPerDecision = (report: Report): Violations => {
  const statuses = new Map<string, Decision>()
  return report.nodes.flatMap((node) =>
    decisions(node).flatMap(({ what }) => {
      const first = statuses.get(what.id) ?? what
      statuses.set(what.id, first)
      const agrees = first.up === what.up && targetKey(first.target) === targetKey(what.target)
      return agrees ? [] : [`${node.id}: ${what.id} decided ${describeTarget(what.target)} both ways`]
    })
  )
}

/** The votes that monitors gave, by voter and proposal. */
const votesGiven = (report: Report) =>
  new Map(
    monitorsOf(report).flatMap((node) =>
      node.events.flatMap(({ at, what }) =>
        what._tag === "Voted" && what.own ? [[`${node.id} ${what.vote.ProposalID}`, { at, what }] as const] : []
      )
    )
  )

/** What a monitor closes has the votes of a majority, which are the votes that were given, from what was seen. */
export const trueMajorities = (report: Report): Violations => {
  const monitors = monitorsOf(report)
  const given = votesGiven(report)
  const untrue = [...given.values()].flatMap(({ at, what: { proposal, vote } }) => {
    if (proposal === undefined) return [`${vote.NodeID} voted on a proposal that it does not know`]
    const target = report.scenario.world.targets.find(({ member }) => member === proposal.MemberName)!
    const looked = Array.from({ length: 12 }, (_, i) => sees(report, vote.NodeID, target, at - i))
    return looked.some((up) => vote.Agree === (up === proposal.ProposedStatus))
      ? []
      : [`${vote.NodeID} voted ${vote.Agree} at ${at} on what it saw otherwise`]
  })
  const few = monitors.flatMap((node) =>
    decisions(node).filter(({ what }) => what.decidedBy === node.id).flatMap(({ at, what }) => {
      const votes = Object.entries(what.votes)
      const invented = votes.filter(([voter, agree]) => given.get(`${voter} ${what.id}`)?.what.vote.Agree !== agree)
      const yes = votes.filter(([, agree]) => agree).length
      return [
        ...invented.map(([voter]) => `${node.id}: ${what.id} counts a vote that ${voter} did not give`),
        ...(yes * 2 > monitors.length
          ? []
          : [`${node.id}: ${what.id} passed at ${at} with ${yes} of ${monitors.length}`])
      ]
    })
  )
  return [...untrue, ...few]
}

/** These nodes decide nothing and change nothing in this time, in seconds. */
export const noDecisions = (report: Report, nodes: ReadonlyArray<string>, from: number, to: number): Violations =>
  report.nodes.filter(({ id }) => nodes.includes(id)).flatMap((node) => [
    ...decisions(node).filter(({ at }) => at >= from && at < to).map(({ at, what }) =>
      `${node.id} decided ${what.id} at ${at}`
    ),
    ...node.changes.filter(({ at }) => at >= from && at < to).map(({ at }) => `${node.id} changed at ${at}`)
  ])

/** At the end every monitor holds for official what is true. */
export const agreement = (report: Report): Violations =>
  monitorsOf(report).flatMap((node) => differences(report, node, report.scenario.world.targets))

/** At the end those who only follow hold for official what is true, for the targets that were decided since. */
export const followersAgree = (report: Report, since: number): Violations => {
  const decided = new Set(
    monitorsOf(report).flatMap((node) =>
      node.changes.filter(({ at }) => at >= since).map(({ what }) => targetKey(what.after.target))
    )
  )
  const targets = report.scenario.world.targets.filter((target) => decided.has(targetKey(target)))
  return report.nodes
    .filter(({ role }) => role !== "IBPMonitor")
    .flatMap((node) => differences(report, node, targets))
}

const differences = (report: Report, node: NodeReport, targets: ReadonlyArray<Target>): Violations =>
  targets.flatMap((target) => {
    const official = node.official.get(targetKey(target))
    const truth = report.scenario.world.isUp(target, report.scenario.seconds)
    return official?.up === truth
      ? []
      : [`${node.id}: ${describeTarget(target)} is ${truth ? "up" : "down"}, official is ${official?.up}`]
  })

/** At most one outage of a target at a time, each ending after it started. */
export const soundOutages = (report: Report): Violations =>
  report.nodes.flatMap((node) => {
    const byTarget = Map.groupBy(node.outages, ({ target }) => targetKey(target))
    return [...byTarget.values()].flatMap((outages) =>
      outages.flatMap((outage, i) => {
        const next = outages[i + 1]
        return [
          ...(outage.end !== undefined && outage.end <= outage.start ? [`${outage.id} ends before it starts`] : []),
          ...(next !== undefined && (outage.end === undefined || outage.end > next.start)
            ? [`${next.id} starts while ${outage.id} is open`]
            : [])
        ]
      })
    )
  })

/** Every outage that is kept shows the votes of a majority for it, which are votes that were given. */
export const provenOutages = (report: Report): Violations => {
  const monitors = monitorsOf(report).length
  const given = votesGiven(report)
  return report.nodes.flatMap((node) =>
    node.outages.flatMap(({ id, start, votes }) => {
      const yes = Object.entries(votes).filter(([voter, agree]) =>
        agree && given.get(`${voter} ${id}`)?.what.vote.Agree === true
      ).length
      return yes * 2 > monitors ? [] : [`${node.id}: ${id} of ${start} shows ${yes} votes of ${monitors}`]
    })
  )
}

/** Nothing goes down. */
export const noOutages = (report: Report): Violations =>
  report.nodes.flatMap((node) =>
    node.changes.filter(({ what }) => !what.after.up).map(({ at, what }) =>
      `${node.id}: ${describeTarget(what.after.target)} went down at ${at}`
    )
  )
