import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Target } from "../domain/Target.ts"
import type { Certificate } from "../domain/wire/Seal.ts"
import type { Digest } from "./StatusDigest.ts"

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
  /** The certificate for where the register of a target stands; undefined while it was never decided. */
  readonly certificateOf: (target: Target) => Effect.Effect<Certificate | undefined>
  /** The certificates of all registers. They keep their order while registers are added at the end, so that pages of them fit. */
  readonly certificates: Effect.Effect<ReadonlyArray<Certificate>>
  /** The number of registers, and a hash of all (target, seq), of 32 digits: no hash of who is up has so many. */
  readonly digest: Effect.Effect<Digest>
  /**
   * Hands over a certificate, of whomever it is. True when it proved more than was known: the register of its target has moved. `told`
   * came with it, and is no evidence.
   */
  readonly offer: (certificate: Certificate, told?: { readonly error: string }) => Effect.Effect<boolean>
}

/** Without consensus by certificates nothing is required, and nothing is there. */
export const Proofs = Context.Reference<ProofsShape>("effect-geodns/status/Proofs", {
  defaultValue: () => ({
    isRequired: false,
    isMember: () => false,
    certificateOf: () => Effect.undefined,
    certificates: Effect.succeed([]),
    digest: Effect.succeed({ count: 0, hash: "0".repeat(32) }),
    offer: () => Effect.succeed(false)
  })
})
