import { Clock, Deferred, Effect, Layer, Stream } from "effect"
import { Registers } from "../../src/consensus/sealed/Registers.ts"
import type { Rosters } from "../../src/consensus/sealed/Rosters.ts"
import { verify } from "../../src/consensus/sealed/verify.ts"
import type { Target } from "../../src/domain/Target.ts"
import type { Certificate } from "../../src/domain/wire/Seal.ts"
import { wireTimeMillis } from "../../src/domain/wire/WireTime.ts"
import type { Decision } from "../../src/status/Decision.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { type Offered, Proofs, type ToldBeside } from "../../src/status/Proofs.ts"
import { certificate, rostersOf } from "../consensus/sealed/fixtures.ts"
import { decision, target } from "./fixtures.ts"

export const idOf = (target: Target, seq: number): string => `seq-${seq}-${target.member}`

/** The decision that a certificate proves. */
export const provenBy = (
  proof: Certificate,
  options: Partial<Decision> & { readonly late?: boolean } = {}
): Decision => {
  const { late = false, ...rest } = options
  const up = proof.seq % 2 === 0
  return decision({
    id: idOf(proof.T, proof.seq),
    target: proof.T,
    up,
    error: up ? "" : "connection refused",
    decidedAt: Math.max(...proof.votes.map(({ observedAt }) => wireTimeMillis(observedAt) ?? 0)),
    votes: Object.fromEntries(proof.votes.map(({ voter }) => [voter, true])),
    proof: { seq: proof.seq, late, certificate: proof },
    ...rest
  })
}

/** A proven decision: a step of a target, at a time. */
export const proven = (
  seq: number,
  at: number,
  options: Parameters<typeof provenBy>[1] & { readonly target?: Target } = {}
): Decision => provenBy(certificate({ target: options.target ?? target, seq, at }), options)

/** Registers as consensus keeps them, by these rosters, from which the official status follows. */
export const registering = (
  options: {
    readonly rosters?: Rosters
    /** Those that are in use from a later moment on. */
    readonly later?: Deferred.Deferred<Rosters>
    /** The ids of the roster; nobody by default. */
    readonly members?: ReadonlyArray<string>
    readonly before?: ReadonlyArray<Certificate>
    /** What is not looked at when it is offered. */
    readonly isUnchecked?: (offered: Certificate, told: ToldBeside) => Effect.Effect<boolean>
  } = {}
): Layer.Layer<never, never, OfficialStatus> =>
  Layer.effect(
    Proofs,
    Effect.gen(function*() {
      const official = yield* OfficialStatus
      const { isUnchecked = () => Effect.succeed(false) } = options
      let rosters = options.rosters ?? rostersOf()
      const registers = new Registers({ verify: (certificate, message) => verify(certificate, message, rosters) })
      const offer = Effect.fnUntraced(function*(
        offered: Certificate,
        told: ToldBeside = { error: "" }
      ): Effect.fn.Return<Offered> {
        if (yield* isUnchecked(offered, told)) return "unchecked"
        const before = registers.seq(offered.T)
        const effects = registers.handle(
          { _tag: "Certificate", certificate: offered },
          yield* Clock.currentTimeMillis
        )
        for (const effect of effects) {
          if (effect._tag !== "Apply") continue
          yield* official.apply(
            provenBy(effect.step.certificate, { ...told.error !== "" && { error: told.error }, late: effect.late })
          )
        }
        return registers.seq(offered.T) > before ? "taken" : "refused"
      })
      for (const one of options.before ?? []) yield* offer(one)
      return {
        isRequired: true,
        isMember: (node: string) => options.members?.includes(node) ?? false,
        changes: options.later === undefined ? Stream.empty : Stream.fromEffect(
          Effect.map(Deferred.await(options.later), (later) => {
            rosters = later
          })
        ),
        certificateOf: (target: Target) => Effect.sync(() => registers.certificate(target)),
        certificates: Effect.sync(() => registers.certificates()),
        digest: Effect.sync(() => registers.digest()),
        offer
      }
    })
  )
