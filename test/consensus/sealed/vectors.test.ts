import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Rosters } from "../../../src/consensus/sealed/Rosters.ts"
import { joinBytes, proposalBytes, rosterBytes, voteBytes } from "../../../src/consensus/sealed/sealedBytes.ts"
import { signerOf } from "../../../src/consensus/sealed/Signer.ts"
import { verifierOf } from "../../../src/consensus/sealed/Verifier.ts"
import { verify } from "../../../src/consensus/sealed/verify.ts"
import { Certificate } from "../../../src/domain/wire/Seal.ts"
import { keyOfSeed } from "./fixtures.ts"

interface Vector {
  readonly signer: string
  readonly value: any
  readonly bytes: string
  readonly sig: string
}

const vectors = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../fixtures/sealed/vectors.json"), "utf8")
) as {
  readonly keys: ReadonlyArray<{ readonly id: string; readonly seed: string; readonly publicKey: string }>
  readonly votes: ReadonlyArray<Vector>
  readonly proposals: ReadonlyArray<Vector>
  readonly joins: ReadonlyArray<Vector>
  readonly rosters: ReadonlyArray<Vector>
  readonly certificates: ReadonlyArray<
    { readonly name: string; readonly certificate: unknown; readonly verdict: string }
  >
}

const keys = new Map(vectors.keys.map((key) => [key.id, key]))

/** Whatever `JSON.stringify` of another version would do: these are the bytes for ever. */
describe("the golden vectors", () => {
  it("have the public keys of their seeds", () => {
    for (const { publicKey, seed } of keys.values()) {
      assert.strictEqual(keyOfSeed(Number.parseInt(seed.slice(0, 2), 16)).publicKey, publicKey)
    }
  })

  const kinds: ReadonlyArray<readonly [string, ReadonlyArray<Vector>, (value: any) => string]> = [
    ["votes", vectors.votes, voteBytes],
    ["proposals", vectors.proposals, proposalBytes],
    ["joins", vectors.joins, joinBytes],
    ["rosters", vectors.rosters, rosterBytes]
  ]
  it.each(kinds)("of %s have these bytes and signatures", (_, some, bytesOf) => {
    assert.isNotEmpty(some)
    for (const { bytes, sig, signer, value } of some) {
      const { publicKey, seed } = keys.get(signer)!
      assert.strictEqual(bytesOf(value), bytes)
      assert.strictEqual(signerOf(signer, keyOfSeed(Number.parseInt(seed.slice(0, 2), 16))).sign(bytes), sig)
      const verifier = verifierOf(publicKey)!
      assert.isTrue(verifier.verify(bytes, sig))
      assert.isFalse(verifier.verify(`${bytes} `, sig))
    }
  })

  it("begin with a name of their own and are flat lists of strings, booleans and safe integers", () => {
    const names = kinds.map(([, some]) => {
      for (const { bytes } of some) {
        for (const part of JSON.parse(bytes) as ReadonlyArray<unknown>) {
          assert.isTrue(typeof part === "string" || typeof part === "boolean" || Number.isSafeInteger(part))
        }
      }
      return JSON.parse(some[0]!.bytes)[0]
    })
    assert.deepStrictEqual(names, ["geodns.vote.1", "geodns.proposal.1", "geodns.join.1", "geodns.roster.1"])
  })

  it("sign the time as it is sent, not as we would write it", () => {
    assert.include(vectors.votes[1]!.bytes, '"2026-04-21T13:39:10.123456789+05:30"]')
  })

  it.each(vectors.certificates.map((one) => [one.name, one] as const))(
    "certificate: %s",
    (_, { certificate, verdict }) => {
      const rosters = Result.getOrThrow(Rosters.from([vectors.rosters[0]!.value]))
      const judged = verify(Schema.decodeUnknownSync(Certificate)(certificate), undefined, rosters)
      assert.strictEqual(Result.isSuccess(judged) ? "valid" : judged.failure._tag, verdict)
    }
  )
})
