import * as Effect from "effect/Effect"
import { GeoIp, type Place } from "../geo/GeoIp.ts"
import type { Choice, Client } from "../steering/Choice.ts"
import type { Hit } from "../usage/Hit.ts"
import { Usage } from "../usage/Usage.ts"
import { AcmeChallenges } from "./AcmeChallenges.ts"
import { AnswerState } from "./AnswerState.ts"
import type { RecordSet } from "./encodeResponse.ts"
import { explainAnswer } from "./explainAnswer.ts"
import { makeExplainer } from "./explainer.ts"
import type { ZoneData } from "./ZoneData.ts"

/**
 * What answers depend on, whoever asks for them. All of it is synchronous: to a question that is answered in one turn of the event loop,
 * zones and steering are those of one `AnswerSnapshot`.
 */
export interface AnswerSources {
  /** The zone data of now. */
  readonly zone: () => ZoneData
  /** As `Steering.choose`. */
  readonly choose: (name: string, ipv6: boolean, client: Client) => Choice | undefined
  /** Why a client is answered at a name as it is; undefined when that cannot be said yet. */
  readonly explain: (name: string, client: Client) => RecordSet | undefined
  /** As `AcmeChallenges.data`. */
  readonly challenge: (address: string) => ReadonlyArray<Uint8Array> | undefined
  /** As `GeoIp.locate`. */
  readonly locate: (address: string) => Place
  /** As `Usage.record`: called once for each steered answer that is given. */
  readonly record: (hit: Hit) => void
}

/** The sources of this node: one for all that answers questions, so that they never differ. */
export const answerSources: Effect.Effect<
  AnswerSources,
  never,
  AcmeChallenges | AnswerState | GeoIp | Usage
> = Effect.gen(function*() {
  const geo = yield* GeoIp
  const usage = yield* Usage
  const { current } = yield* AnswerState
  const challenges = yield* AcmeChallenges
  return {
    zone: () => current().zones,
    choose: (name, ipv6, client) => current().steering.choose(name, ipv6, client),
    explain: yield* makeExplainer((name, ipv6, client) => explainAnswer(current(), name, ipv6, client)),
    challenge: challenges.data,
    locate: geo.locate,
    record: usage.record
  }
})
