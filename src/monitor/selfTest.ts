import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type Target, type TargetKey, targetKey } from "../domain/Target.ts"
import { Conditions } from "../node/Conditions.ts"
import { OfficialStatus } from "../status/OfficialStatus.ts"
import { KnownGood, type SelfVerdict } from "./KnownGood.ts"
import * as metrics from "./metrics.ts"
import { monotonicMillis } from "./monotonic.ts"

/**
 * Milliseconds that a sick observer is silent for at most. When most members are truly gone, all monitors see that and are
 * silent: a failover must not wait long for it.
 */
export const longestSilence = 30_000

/** The same of IPv6 alone, which a host loses more often, and for longer, than all members do. */
export const longestIPv6Silence = 600_000

/** The IP versions that this node is silent about, as it does not trust what it sees of them. */
export interface Distrusted {
  readonly ipv4: boolean
  readonly ipv6: boolean
}

/** Whether what is seen of a target is not to be trusted. */
export const isDistrusted = ({ ipv4, ipv6 }: Distrusted, target: Target): boolean => target.ipv6 ? ipv6 : ipv4

/** Whether this node may believe what it sees. */
export interface SelfTest {
  /** What was seen last of a target counts from now on. Succeeds with what is not to be trusted. */
  readonly see: (key: TargetKey, target: Target, up: boolean) => Effect.Effect<Distrusted>
  readonly forget: (key: TargetKey) => void
  /** Draws the conclusions of what was forgotten. */
  readonly judge: Effect.Effect<unknown>
  readonly distrusted: () => Distrusted
  readonly verdict: () => SelfVerdict
}

/**
 * Follows the known-good targets of this node, raises the conditions `observer` and `ipv6`, and tells `onChange` what is not
 * to be trusted any more. `lastSeen`: whether this node saw a target up last; undefined when it has not seen it.
 */
export const makeSelfTest = Effect.fnUntraced(function*(options: {
  readonly lastSeen: (key: TargetKey) => boolean | undefined
  readonly onChange: (distrusted: Distrusted) => Effect.Effect<void>
}): Effect.fn.Return<SelfTest, never, Conditions | OfficialStatus | Scope.Scope> {
  const clock = yield* Clock.Clock
  const conditions = yield* Conditions
  const official = yield* OfficialStatus
  const known = new KnownGood()
  let sickSince: number | undefined
  let ipv6LostSince: number | undefined
  let distrusted: Distrusted = { ipv4: false, ipv6: false }
  /** What was told last: the numbers move with every observation, and are told as they were when it began. */
  let told: (Distrusted & { readonly sick: boolean }) | undefined

  const tell = Effect.fnUntraced(function*({ failing, ipv6Lost, members, sick }: SelfVerdict, isSilent: boolean) {
    const seen = `${failing} of ${members} members that the others hold for up`
    yield* sick
      ? conditions.raise(
        "observer",
        isSilent
          ? `most members fail from here (${seen}), so this node takes it for its own trouble: it proposes nothing and votes on nothing until they answer again. See its uplink, its firewall and its routes`
          : `most members still fail from here (${seen}). After ${
            longestSilence / 1_000
          } seconds of silence this node says again what it sees, and the majority decides. See its uplink, its firewall and its routes`
      )
      : conditions.clear("observer")
    yield* ipv6Lost && !sick
      ? conditions.raise(
        "ipv6",
        "no IPv6 target that is officially up answers this node, so it takes its own IPv6 for broken: it proposes and votes nothing on IPv6 until one answers, for ten minutes at most. See its IPv6 uplink, routes and firewall"
      )
      : conditions.clear("ipv6")
  })

  const judge = Effect.suspend(() => {
    const verdict = known.verdict()
    const now = monotonicMillis(clock)
    sickSince = verdict.sick ? sickSince ?? now : undefined
    const ipv4 = sickSince !== undefined && now - sickSince < longestSilence
    ipv6LostSince = verdict.ipv6Lost ? ipv6LostSince ?? now : undefined
    const ipv6 = ipv4 || (ipv6LostSince !== undefined && now - ipv6LostSince < longestIPv6Silence)
    if (told?.sick === verdict.sick && told.ipv4 === ipv4 && told.ipv6 === ipv6) return Effect.succeed(distrusted)
    told = { sick: verdict.sick, ipv4, ipv6 }
    distrusted = { ipv4, ipv6 }
    return Metric.update(metrics.abstains, ipv4 ? 2 : ipv6 ? 1 : 0).pipe(
      Effect.andThen(options.onChange(distrusted)),
      Effect.andThen(tell(verdict, ipv4)),
      Effect.as(distrusted)
    )
  })

  const see: SelfTest["see"] = Effect.fnUntraced(function*(key, target, up) {
    if ((yield* official.get(target))?.up === true) known.see(key, { member: target.member, ipv6: target.ipv6, up })
    else known.forget(key)
    return yield* judge
  })

  const changes = yield* official.subscribe
  yield* changes.pipe(
    Stream.runForEach(({ after: { target } }) => {
      const key = targetKey(target)
      const up = options.lastSeen(key)
      return up === undefined ? Effect.void : see(key, target, up)
    }),
    Effect.catchCause((cause) => Effect.logError("the self-test does not follow what is official any more", cause)),
    Effect.forkScoped({ startImmediately: true })
  )

  return {
    see,
    forget: (key) => known.forget(key),
    judge,
    distrusted: () => distrusted,
    verdict: () => known.verdict()
  }
})
