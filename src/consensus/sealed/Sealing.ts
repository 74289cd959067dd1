import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { CertificateFile } from "./CertificateFile.ts"
import { RosterSource } from "./RosterSource.ts"
import { Signer } from "./Signer.ts"

/** What this node goes by beside the messages themselves: see the table of modes in `docs/consensus.md`. */
export type Sealing =
  | {
    readonly mode: "open"
    readonly electorate: "heard"
    readonly rosters?: undefined
    readonly signer?: undefined
  }
  | {
    readonly mode: "open" | "prefer"
    readonly electorate: "heard" | "roster"
    readonly rosters: RosterSource["Service"]
    /** Missing: nothing of this node is signed. */
    readonly signer: Signer["Service"] | undefined
  }
  | {
    readonly mode: "require"
    readonly electorate: "roster"
    readonly rosters: RosterSource["Service"]
    /** Missing: this node follows, and does not vote. */
    readonly signer: Signer["Service"] | undefined
    readonly certificates: CertificateFile["Service"]
  }

/** How this node takes part in sealed consensus. By default it does not: mode `open`, without a roster. */
export const Sealing = Context.Reference<Sealing>("effect-geodns/consensus/sealed/Sealing", {
  defaultValue: () => ({ mode: "open", electorate: "heard" })
})

/** Mode `open`, or `prefer`, by a roster. It signs if there is a `Signer`. */
export const layerRoster = (options: {
  readonly mode: "open" | "prefer"
  readonly electorate: "heard" | "roster"
}): Layer.Layer<never, never, RosterSource> =>
  Layer.effect(
    Sealing,
    Effect.gen(function*() {
      return {
        ...options,
        rosters: yield* RosterSource,
        signer: Option.getOrUndefined(yield* Effect.serviceOption(Signer))
      }
    })
  )

/** Mode `require`. It votes if there is a `Signer`. */
export const layerRequired: Layer.Layer<never, never, RosterSource | CertificateFile> = Layer.effect(
  Sealing,
  Effect.gen(function*() {
    return {
      mode: "require",
      electorate: "roster",
      rosters: yield* RosterSource,
      signer: Option.getOrUndefined(yield* Effect.serviceOption(Signer)),
      certificates: yield* CertificateFile
    }
  })
)
