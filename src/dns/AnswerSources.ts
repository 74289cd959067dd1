import * as Effect from "effect/Effect"
import { GeoIp, type Place } from "../geo/GeoIp.ts"
import type { Choice, Client } from "../steering/Choice.ts"
import { Steering } from "../steering/Steering.ts"
import type { Hit } from "../usage/Hit.ts"
import { Usage } from "../usage/Usage.ts"
import { Challenges } from "./Challenges.ts"
import type { RecordSet } from "./codec.ts"
import { makeExplainer } from "./explainer.ts"
import { ServedZones } from "./ServedZones.ts"
import type { ZoneData } from "./ZoneData.ts"

/** What answers depend on, whoever asks for them. All of it is synchronous. */
export interface AnswerSources {
  /** The zone data of now. */
  readonly zone: () => ZoneData
  /** As `Steering.choose`. */
  readonly choose: (name: string, ipv6: boolean, client: Client) => Choice | undefined
  /** Why a client is answered at a name as it is; undefined when that cannot be said yet. */
  readonly explain: (name: string, client: Client) => RecordSet | undefined
  /** As `Challenges.data`. */
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
  Challenges | GeoIp | ServedZones | Steering | Usage
> = Effect.gen(function*() {
  const steering = yield* Steering
  const geo = yield* GeoIp
  const usage = yield* Usage
  const zones = yield* ServedZones
  const challenges = yield* Challenges
  return {
    zone: zones.current,
    choose: steering.choose,
    explain: yield* makeExplainer(steering.explain),
    challenge: challenges.data,
    locate: geo.locate,
    record: usage.record
  }
})
