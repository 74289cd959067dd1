import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { NodeIdentity } from "../../node/NodeIdentity.ts"
import { cheapPublicKey, cheapSignature } from "./cheapKey.ts"
import { ed25519Signature } from "./ed25519.ts"
import { type Key, readKeyFile } from "./keyFile.ts"
import type { SealError } from "./SealError.ts"

/** Signs in the name of this node. */
export class Signer extends Context.Service<Signer, {
  /** The node that signs, as in the roster. */
  readonly id: string
  /** What others check our signatures with. */
  readonly publicKey: string
  /** The signature over the UTF-8 of a text. Some 35 µs with Ed25519: who signs many lets others have their turn. */
  readonly sign: (text: string) => string
}>()("effect-geodns/consensus/sealed/Signer") {
  /** Signs with the Ed25519 key in a file that only its owner may read, as the node that this process is. */
  static readonly layerFile = (path: string): Layer.Layer<Signer, SealError, NodeIdentity> =>
    Layer.effect(
      Signer,
      Effect.gen(function*() {
        const { id } = yield* NodeIdentity
        return Signer.of(signerOf(id, yield* readKeyFile(path)))
      })
    )

  /** Signs with a keyed hash that follows from the id. For simulations: anybody can forge it. */
  static readonly layerCheap = (id: string): Layer.Layer<Signer> => Layer.succeed(Signer, cheapSigner(id))
}

/** Signs with a private key. */
export const signerOf = (id: string, { privateKey, publicKey }: Key): Signer["Service"] => ({
  id,
  publicKey,
  sign: (text) => ed25519Signature(Redacted.value(privateKey), text)
})

/** What {@link Signer.layerCheap} gives, for pure cores. */
export const cheapSigner = (id: string): Signer["Service"] => {
  const publicKey = cheapPublicKey(id)
  return { id, publicKey, sign: (text) => cheapSignature(publicKey, text) }
}
