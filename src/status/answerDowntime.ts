import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { makeAnswers } from "../bus/Answers.ts"
import type { Bus } from "../bus/Bus.ts"
import * as Messages from "../bus/Messages.ts"
import { type DowntimeEvent, type DowntimeRequest, DowntimeResponse } from "../domain/wire/Downtime.ts"
import * as Subject from "../domain/wire/Subject.ts"
import { noTime } from "../domain/wire/WireTime.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import type { Official } from "./Decision.ts"
import { OfficialStatus } from "./OfficialStatus.ts"

/** v2 keeps one answer of a node: what does not fit into it is left out, and the answer says so. */
export const maxDowntimeEvents = 1_500

/** Whether an outage that is still open overlaps the period that is asked for; `noTime` at either end leaves it open. */
const isAskedFor = (request: DowntimeRequest) => (official: Official): boolean =>
  !official.up
  && (request.memberName === "" || request.memberName === official.target.member)
  && (request.endTime === noTime || official.decidedAt <= request.endTime)

const eventOf = ({ data, decidedAt, error, target }: Official): DowntimeEvent => ({
  memberName: target.member,
  checkType: target.checkType,
  checkName: target.check,
  ...target.domain !== "" && { domainName: target.domain },
  ...target.endpoint !== "" && { endpoint: target.endpoint },
  status: false,
  startTime: decidedAt,
  endTime: noTime,
  errorText: error.slice(0, 256),
  data,
  isIPv6: target.ipv6
})

/** The answer to a question for downtime from what is officially down, the oldest first. */
export const downtimeOf = (
  node: string,
  request: DowntimeRequest,
  officials: Iterable<Official>
): DowntimeResponse => {
  if (request.startTime !== noTime && request.endTime !== noTime && request.startTime > request.endTime) {
    return { nodeID: node, events: [], error: "startTime is after endTime" }
  }
  const asked = [...officials].filter(isAskedFor(request)).sort((a, b) => a.decidedAt - b.decidedAt)
  const events = asked.slice(0, maxDowntimeEvents).map((official) => {
    const event = eventOf(official)
    // What a probe measured is the only part of any length.
    return JSON.stringify(event.data ?? null).length > 256 ? { ...event, data: null } : event
  })
  return {
    nodeID: node,
    events,
    ...asked.length > events.length && { error: `${asked.length - events.length} more do not fit into one answer` }
  }
}

/** What all answers together may have in bytes: one is at most 1 MiB. */
const answerRate = { perSecond: 1024 * 1024, most: 8 * 1024 * 1024 }

/** An event on the wire is about so long, in bytes; looking at a target for one costs a little, too. */
const eventBytes = 400
const targetBytes = 16

/**
 * Answers `monitor.stats.getDowntime` with the outages that are open by the official status: monitors keep no others.
 * A question without a reply subject is not answered, as in v2; nor is one beyond what is given in all.
 */
export const answerDowntime: Layer.Layer<never, never, Bus | NodeIdentity | OfficialStatus> = Layer.effectDiscard(
  Effect.gen(function*() {
    const { id } = yield* NodeIdentity
    const official = yield* OfficialStatus
    const answers = yield* makeAnswers(Subject.GetDowntime, answerRate)

    yield* Messages.receive(
      Subject.GetDowntime,
      Effect.fnUntraced(function*(request, { reply }) {
        if (reply === undefined || !(yield* answers.mayGoTo(reply)) || !(yield* answers.mayBeGiven)) return
        const all = yield* official.all
        const answer = downtimeOf(id, request, all.values())
        answers.spend((1 + answer.events.length) * eventBytes + all.size * targetBytes)
        yield* Messages.send({ name: reply, schema: DowntimeResponse, maxBytes: 1024 * 1024 }, answer)
      })
    ).pipe(Effect.catch((error) => Effect.logWarning(error.message)))
  })
)
