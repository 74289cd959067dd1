import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { createPublicKey, generateKeyPairSync, sign, verify as bareVerify } from "node:crypto"
import { publicKeyText } from "../src/consensus/sealed/ed25519.ts"
import { Rosters } from "../src/consensus/sealed/Rosters.ts"
import { type SignedVote, voteBytes } from "../src/consensus/sealed/sealedBytes.ts"
import { signerOf } from "../src/consensus/sealed/Signer.ts"
import { VerifiedSignatures } from "../src/consensus/sealed/VerifiedSignatures.ts"
import { verifierOf } from "../src/consensus/sealed/Verifier.ts"
import { verify } from "../src/consensus/sealed/verify.ts"
import type { Certificate } from "../src/domain/wire/Seal.ts"
import { atLeast, type Benchmark } from "./measure.ts"

const observedAt = "2026-04-21T08:09:10.120Z"

/** A target as they are in a network, another for each `i`. */
const targetOf = (i: number) => ({
  checkType: "endpoint" as const,
  check: "wss",
  member: `Member ${i % 30}`,
  domain: `rpc-${i}.bench.example`,
  endpoint: `wss://rpc-${i}.bench.example/network`,
  ipv6: i % 2 === 0
})

const monitors = Array.from({ length: 5 }, (_, i) => {
  const { privateKey } = generateKeyPairSync("ed25519")
  const publicKey = publicKeyText(privateKey)
  return {
    privateKey,
    signer: signerOf(`monitor-${i + 1}`, { publicKey, privateKey: Redacted.make(privateKey) }),
    verifier: verifierOf(publicKey)!
  }
})

const voteOf = (voter: string, i: number): SignedVote => ({
  cluster: "bench",
  epoch: 1,
  voter,
  target: targetOf(i),
  seq: 1,
  up: false,
  observedAt
})

/**
 * Calls of each per second. They take turns in slices of some milliseconds, and the best slice counts: other load only
 * slows, and slows both.
 */
const compare = (
  rounds: number,
  calls: number,
  ...runs: ReadonlyArray<(i: number) => unknown>
): ReadonlyArray<number> => {
  const best = runs.map(() => 0)
  for (let round = 0; round < rounds; round++) {
    for (const [r, run] of runs.entries()) {
      const begin = performance.now()
      for (let i = 0; i < calls; i++) run(i)
      best[r] = Math.max(best[r]!, calls / (performance.now() - begin) * 1_000)
    }
  }
  return best
}

/**
 * Signs and verifies votes as the nodes do, beside bare `node:crypto` on bytes that are there already; whole certificates
 * of five votes that are new, and of votes that were verified when they came.
 */
export const run: Benchmark = ({ smoke }) => {
  const rounds = smoke ? 20 : 150
  const calls = 50
  const [{ privateKey, signer, verifier }] = monitors as [(typeof monitors)[number]]
  const bytes = Array.from({ length: calls }, (_, i) => Buffer.from(voteBytes(voteOf(signer.id, i))))
  const votes = Array.from({ length: calls }, (_, i) => voteOf(signer.id, i))
  const signatures = votes.map((vote) => signer.sign(voteBytes(vote)))
  const bare = bytes.map((some) => sign(null, some, privateKey))
  const publicKey = createPublicKey(privateKey)

  let failed = 0
  const [bareSigns, signs] = compare(
    rounds,
    calls,
    (i) => sign(null, bytes[i]!, privateKey),
    (i) => signer.sign(voteBytes(votes[i]!))
  ) as [number, number]
  const rosters = Result.getOrThrow(Rosters.from([{
    cluster: "bench",
    epoch: 1,
    minEpoch: 1,
    members: monitors.map(({ signer: { id, publicKey } }) => ({
      id,
      key: publicKey,
      role: "IBPMonitor",
      ipv6: true
    })) as never
  }]))
  const certificates = Array.from({ length: calls }, (_, i): Certificate => ({
    cluster: "bench",
    epoch: 1,
    T: targetOf(i),
    seq: 1,
    votes: monitors.map(({ signer }) => ({
      voter: signer.id,
      observedAt,
      sig: signer.sign(voteBytes(voteOf(signer.id, i)))
    }))
  }))
  const proves = (i: number, known: VerifiedSignatures) =>
    Result.isSuccess(verify(certificates[i]!, undefined, rosters, known)) || failed++
  const perCertificate = monitors.length
  const [bareVerifies, verifies, ofCertificates] = compare(
    rounds,
    calls,
    (i) => bareVerify(null, bytes[i]!, publicKey, bare[i]!) || failed++,
    (i) => verifier.verify(voteBytes(votes[i]!), signatures[i]!) || failed++,
    (i) => i % perCertificate === 0 && proves(i, new VerifiedSignatures())
  ) as [number, number, number]
  const known = new VerifiedSignatures()
  const [ofKnown] = compare(rounds + 1, calls, (i) => proves(i, known)) as [number]
  if (failed > 0) throw new Error(`${failed} signatures did not hold`)

  const share = Math.round(0.9 * bareVerifies)
  return Promise.resolve([
    atLeast("seal: signs", signs, "votes/s", Math.round(0.9 * bareSigns)),
    atLeast("seal: signs, of bare crypto", signs / bareSigns * 100, "%", 90),
    atLeast("seal: verifies", verifies, "votes/s", share),
    atLeast("seal: verifies, of bare crypto", verifies / bareVerifies * 100, "%", 90),
    atLeast("seal: votes of new certificates", ofCertificates, "votes/s", share),
    atLeast("seal: certificates of known votes", ofKnown, "certificates/s", 20_000)
  ])
}
