import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Target } from "../domain/Target.ts"
import type { Certificate } from "../domain/wire/Seal.ts"
import type { Digest } from "./StatusDigest.ts"

/** What is told beside a certificate, and is no evidence. `from` is the node that was asked for it; missing when it was kept by us. */
export interface ToldBeside {
  readonly error: string
  readonly from?: string
}

/**
 * What came of a certificate: it proved more than was known, and the register of its target has moved (`taken`); it did not
 * (`refused`); or it was not looked at, as too many wrong ones came from its node just now (`unchecked`).
 */
export type Offered = "taken" | "refused" | "unchecked"

/**
 * What consensus holds of proofs, for those who take over the official status from elsewhere. Provided by consensus where it
 * decides by certificates alone (mode `require`).
 */
export interface ProofsShape {
  /**
   * Nothing but a certificate moves the official status: no word of another node, no results of a monitor, no row of the store.
   * Constant while the process runs.
   */
  readonly isRequired: boolean
  /** Whether the roster of the moment has a node; none has without a roster. A name on the bus is a claim. */
  readonly isMember: (node: string) => boolean
  /** Another roster is in use: what proved nothing before may prove something now. */
  readonly changes: Stream.Stream<void>
  /** The certificate for where the register of a target stands; undefined while it was never decided. */
  readonly certificateOf: (target: Target) => Effect.Effect<Certificate | undefined>
  /** The certificates of all registers. They keep their order while registers are added at the end, so that pages of them fit. */
  readonly certificates: Effect.Effect<ReadonlyArray<Certificate>>
  /** The number of registers, and a hash of all (target, seq), of 32 digits: no hash of who is up has so many. */
  readonly digest: Effect.Effect<Digest>
  /** Hands over a certificate, of whomever it is. */
  readonly offer: (certificate: Certificate, told?: ToldBeside) => Effect.Effect<Offered>
}

/** Without consensus by certificates nothing is required, and nothing is there. */
export const Proofs = Context.Reference<ProofsShape>("effect-geodns/status/Proofs", {
  defaultValue: () => ({
    isRequired: false,
    isMember: () => false,
    changes: Stream.empty,
    certificateOf: () => Effect.undefined,
    certificates: Effect.succeed([]),
    digest: Effect.succeed({ count: 0, hash: "0".repeat(32) }),
    offer: () => Effect.succeed("refused")
  })
})
