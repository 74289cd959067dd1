import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { dayOf } from "../domain/wire/Usage.ts"
import type { DemoError } from "./DemoError.ts"
import { type DemoMemberPlace, demoMembers } from "./places.ts"
import { World, type WorldEvent } from "./World.ts"

/** The steps of the story, in order. A run is good only when every one of them was seen. */
export const failoverSteps = [
  "answer-before",
  "endpoint-fails",
  "failure-observed",
  "offline-proposed",
  "offline-voted",
  "offline-decided",
  "answer-changed",
  "outage-stored",
  "alert-opened",
  "endpoint-recovers",
  "recovery-observed",
  "online-proposed",
  "online-voted",
  "online-decided",
  "answer-returned",
  "outage-closed",
  "alert-resolved",
  "usage-stored"
] as const
export type FailoverStep = (typeof failoverSteps)[number]

/** One step as it was seen. */
export interface Seen {
  readonly step: FailoverStep
  /** Milliseconds since the epoch. */
  readonly at: number
  /** What was seen, in a sentence. */
  readonly what: string
}

/** A step was not seen in time. */
export class MissingStep extends Schema.TaggedError<MissingStep>()("MissingStep", {
  step: Schema.Literals(failoverSteps),
  problem: Schema.String
}) {
  override get message(): string {
    return `step "${this.step}" was not seen: ${this.problem}`
  }
}

/**
 * The whole story of one outage, seen from outside: DNS answers, the bus, the store and the alert. A member's endpoint
 * fails, the monitors decide, the answer goes to another member; the endpoint recovers and everything returns.
 */
export const failover = Effect.fnUntraced(function*(options: {
  /** Who fails. */
  readonly member: DemoMemberPlace
  /** Who asks: an address that the member is the nearest for. */
  readonly client: string
  readonly onSeen: (seen: Seen) => Effect.Effect<void>
  /** How long one step may take. */
  readonly patience: Duration.Input
  /** How long the member stays down after the alert; no time when missing. */
  readonly downFor?: Duration.Input
}) {
  const world = yield* World
  const { client, member } = options
  const history: Array<WorldEvent> = []
  const events = yield* world.subscribe
  yield* Effect.forkScoped(Stream.runForEach(events, (event) => Effect.sync(() => void history.push(event))))

  const within = <A>(step: FailoverStep, problem: string, look: Effect.Effect<Option.Option<A>, DemoError>) =>
    look.pipe(
      Effect.mapError((error) => new MissingStep({ step, problem: error.message })),
      Effect.repeat({ schedule: Schedule.spaced("20 millis"), until: Option.isSome }),
      Effect.timeoutOption(options.patience),
      Effect.map(Option.flatten),
      Effect.flatMap(Option.match({
        onNone: () => Effect.fail(new MissingStep({ step, problem })),
        onSome: Effect.succeed
      }))
    )
  const seen = Effect.fnUntraced(function*(step: FailoverStep, what: string) {
    yield* options.onSeen({ step, at: yield* Clock.currentTimeMillis, what })
  })
  /** The first event since `from` that `pick` takes; what it gives is the sentence. */
  const event = (step: FailoverStep, from: number, problem: string, pick: (event: WorldEvent) => string | undefined) =>
    within(
      step,
      problem,
      Effect.sync(() => Option.fromUndefinedOr(history.slice(from).map(pick).find((what) => what !== undefined)))
    ).pipe(Effect.flatMap((what) => seen(step, what)))
  const answer = (step: FailoverStep, problem: string, isRight: (addresses: ReadonlyArray<string>) => boolean) =>
    within(
      step,
      problem,
      Effect.map(world.ask(client), (addresses) => isRight(addresses) ? Option.some(addresses) : Option.none())
    ).pipe(
      Effect.flatMap((addresses) => seen(step, `${client} gets ${addresses.map(nameOfAddress).join(", ")}`))
    )

  /** From the act to the decision: what the monitors do about it. */
  const decided = Effect.fnUntraced(function*(
    up: boolean,
    from: number,
    steps: { observed: FailoverStep; proposed: FailoverStep; voted: FailoverStep; decided: FailoverStep }
  ) {
    const status = up ? "online" : "offline"
    yield* event(
      steps.observed,
      from,
      `no monitor observed ${member.name} ${status}`,
      (e) =>
        e._tag === "Observed" && e.observation.target.member === member.name && e.observation.up === up
          ? `${e.node} sees ${member.name} ${up ? "up" : `down: ${e.observation.error}`}`
          : undefined
    )
    yield* event(
      steps.proposed,
      from,
      `nobody proposed ${member.name} ${status}`,
      (e) =>
        e._tag === "Consensus" && e.event._tag === "Proposed" && e.event.proposal.MemberName === member.name &&
          e.event.proposal.ProposedStatus === up
          ? `${e.event.proposal.SenderNodeID} proposes ${status} for ${member.name}`
          : undefined
    )
    yield* event(
      steps.voted,
      from,
      `nobody else voted that ${member.name} is ${status}`,
      (e) =>
        e._tag === "Consensus" && e.event._tag === "Voted" && e.event.proposal?.MemberName === member.name &&
          e.event.proposal.ProposedStatus === up && e.event.vote.Agree &&
          e.event.vote.NodeID !== e.event.proposal.SenderNodeID
          ? `${e.event.vote.NodeID} agrees`
          : undefined
    )
    yield* event(
      steps.decided,
      from,
      `the monitors did not decide that ${member.name} is ${status}`,
      (e) =>
        e._tag === "Consensus" && e.event._tag === "Decided" && e.event.decision.target.member === member.name &&
          e.event.decision.up === up
          ? `${member.name} is ${status}, decided by ${
            Object.entries(e.event.decision.votes).filter(([, agreed]) => agreed).map(([voter]) => voter).join(" and ")
          }`
          : undefined
    )
  })
  const alert = (step: FailoverStep, from: number, kind: "opened" | "resolved") =>
    event(
      step,
      from,
      `no alert "${kind}" about ${member.name}`,
      (e) =>
        e._tag === "Alerted" && e.message.kind === kind && e.message.outage.target.member === member.name
          ? `${kind}: ${member.name}, check ${e.message.outage.target.check} of ${e.message.outage.target.domain}`
          : undefined
    )
  const outage = (step: FailoverStep, since: number, closed: boolean) =>
    within(
      step,
      `the store holds no ${closed ? "closed" : "open"} outage of ${member.name}`,
      Effect.map(world.outages, (rows) =>
        Option.fromUndefinedOr(rows.find((row) =>
          row.target.member === member.name && row.start >= since && (row.end !== undefined) === closed
        )))
    ).pipe(Effect.flatMap((row) =>
      seen(
        step,
        row.end === undefined
          ? `outage of ${row.target.member} since ${new Date(row.start).toISOString()}: ${row.error}`
          : `outage closed after ${((row.end - row.start) / 1000).toFixed(1)} s`
      )
    ))

  const began = yield* Clock.currentTimeMillis
  yield* answer(
    "answer-before",
    `${client} was not answered with ${member.address}`,
    (addresses) => addresses.includes(member.address)
  )

  const failing = history.length
  // However the story ends: the next one begins with all members well.
  yield* Effect.addFinalizer(() => world.setHealthy(member.key, true))
  yield* world.setHealthy(member.key, false)
  yield* seen("endpoint-fails", `${member.name} (${member.city}) starts failing`)
  yield* decided(false, failing, {
    observed: "failure-observed",
    proposed: "offline-proposed",
    voted: "offline-voted",
    decided: "offline-decided"
  })
  yield* answer(
    "answer-changed",
    `${client} is still answered with ${member.address}`,
    (addresses) => addresses.length > 0 && !addresses.includes(member.address)
  )
  yield* outage("outage-stored", began, false)
  yield* alert("alert-opened", failing, "opened")

  yield* Effect.sleep(options.downFor ?? 0)
  const recovering = history.length
  yield* world.setHealthy(member.key, true)
  yield* seen("endpoint-recovers", `${member.name} (${member.city}) recovers`)
  yield* decided(true, recovering, {
    observed: "recovery-observed",
    proposed: "online-proposed",
    voted: "online-voted",
    decided: "online-decided"
  })
  yield* answer(
    "answer-returned",
    `${client} is not answered with ${member.address} again`,
    (addresses) => addresses.includes(member.address)
  )
  yield* outage("outage-closed", began, true)
  yield* alert("alert-resolved", recovering, "resolved")
  yield* within(
    "usage-stored",
    `the store holds no answers with ${member.name}`,
    Effect.map(
      world.usage,
      (rows) =>
        Option.fromUndefinedOr(
          rows.find((row) => row.member === member.name && row.day >= dayOf(began) && row.hits > 0)
        )
    )
  ).pipe(
    Effect.flatMap((row) =>
      seen("usage-stored", `${row.hits} answers with ${row.member} counted for ${row.countryName}`)
    )
  )
}, Effect.scoped)

const nameOfAddress = (address: string): string => {
  const found = demoMembers.find((member) => member.address === address)
  return found === undefined ? address : `${address} (${found.name}, ${found.city})`
}
