import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import type { Mode } from "./plan/Mode.ts"

/** A mistake in the rules of consensus: the simulation must find it. */
interface Mutation {
  readonly why: string
  /** Which tier finds it: that of the cores, where none is said. */
  readonly tier?: "cluster"
  readonly mode: Mode
  readonly file: string
  readonly from: string
  readonly to: string
}

const mutations: ReadonlyArray<Mutation> = [
  {
    why: "counts any voter",
    mode: "roster",
    file: "src/consensus/Ballot.ts",
    from: "if (!electorate.has(node)) continue",
    to: ""
  },
  {
    why: "counts any voter of a certificate",
    mode: "require",
    file: "src/consensus/sealed/verify.ts",
    from: "const verifier = electorate.get(vote.voter)",
    to: "const verifier = electorate.get(vote.voter) ?? { key: vote.voter, verify: () => true }"
  },
  {
    why: "skips the check of signatures in certificates",
    mode: "require",
    file: "src/consensus/sealed/verify.ts",
    from: "if (!signatures.holds(verifier, certifiedBytes(certificate, vote, up), vote.sig)) {",
    to: "if (signatures.size < 0 && !signatures.holds(verifier, certifiedBytes(certificate, vote, up), vote.sig)) {"
  },
  {
    why: "skips the check of certificates",
    mode: "require",
    file: "src/consensus/sealed/Registers.ts",
    from: 'if (verified._tag === "Failure") return [{ _tag: "DropInvalid", reason: verified.failure }]\n' +
      "    const { certificate, newest, seq, target, up } = verified.success",
    to: 'const { certificate, newest, seq, target, up } = verified._tag === "Success" ? verified.success : ' +
      "{ certificate: received, newest: now, seq: received.seq, target: received.T, up: received.seq % 2 === 0 }"
  },
  {
    why: "accepts a seq below its own",
    mode: "require",
    file: "src/consensus/sealed/Registers.ts",
    from: "if (mine !== undefined && received.seq < mine.seq) return this.#answer(mine, now)",
    to: ""
  },
  {
    why: "accepts its own seq again",
    mode: "require",
    file: "src/consensus/sealed/Registers.ts",
    from: 'if (isRenewal && !this.#isRetired(mine)) return ignored("same")',
    to: ""
  },
  {
    why: "shrinks the roster by two",
    mode: "require",
    file: "src/consensus/sealed/Roster.ts",
    from: "Math.max(2, Math.floor(n / 2) + 1)",
    to: "Math.max(2, Math.floor((n - 2) / 2) + 1)"
  },
  {
    why: "shrinks the electorate by two",
    mode: "roster",
    file: "src/consensus/Ballot.ts",
    from: "Math.floor(electorate.size / 2) + 1",
    to: "Math.floor((electorate.size - 2) / 2) + 1"
  },
  {
    why: "counts a vote twice",
    mode: "roster",
    file: "src/consensus/Ballot.ts",
    from: "if (agree) yes++",
    to: "if (agree) yes += 2"
  },
  {
    why: "counts a voter of a certificate twice",
    mode: "require",
    file: "src/consensus/sealed/verify.ts",
    from: "if (verifier !== undefined && !counted.has(vote.voter)) counted.set(vote.voter, { vote, verifier })",
    to: "if (verifier !== undefined) counted.set(`${vote.voter} ${counted.size}`, { vote, verifier })"
  },
  {
    why: "acts on Passed: false",
    mode: "roster",
    file: "src/consensus/Ballot.ts",
    from: "if (!message.Passed) return nothing",
    to: ""
  },
  {
    why: "votes for what is proposed without looking",
    mode: "roster",
    file: "src/consensus/Ballot.ts",
    from: 'effects.push({ _tag: "Observe", id, target: open.target, up, from })',
    to: "effects.push(...this.onObserved(id, up, now))"
  },
  {
    why: "votes as of now from what it saw before",
    mode: "require",
    file: "src/consensus/sealed/SealedBallot.ts",
    from: "this.#onObserved(event.id, event.up, event.observedAt ?? now)",
    to: "this.#onObserved(event.id, event.up, now)"
  },
  // What each node does by itself: no majority ever went wrong by it alone.
  {
    why: "takes certificates of epochs that are retired",
    mode: "require",
    file: "src/consensus/sealed/verify.ts",
    from: "if (epoch < rosters.minEpoch) return",
    to: "if (epoch < 0) return"
  },
  {
    why: "takes votes of another day in one certificate",
    mode: "require",
    file: "src/consensus/sealed/verify.ts",
    from: "if (newest - oldest > maxSpread) {",
    to: "if (newest - oldest > maxSpread * 1e6) {"
  },
  {
    why: "counts votes that are far from its clock",
    mode: "require",
    file: "src/consensus/sealed/screen.ts",
    from: "if (Math.abs(at - now) > maxSpread) return",
    to: "if (Math.abs(at - now) > maxSpread * 1e6) return"
  },
  {
    why: "lets older votes replace newer ones",
    mode: "require",
    file: "src/consensus/sealed/StepVotes.ts",
    from: "held.observedAt + shortest > observedAt",
    to: "held.observedAt === observedAt"
  },
  {
    why: "gives no step up before its time",
    mode: "require",
    file: "src/consensus/sealed/StepVotes.ts",
    from: "return no > n - quorum(n)",
    to: "return no > n"
  },
  {
    why: "forgets the votes that came before their proposal",
    mode: "require",
    file: "src/consensus/sealed/SealedBallot.ts",
    from: "if (ahead !== undefined) this.#tally(open.step)",
    to: ""
  },
  {
    why: "follows late certificates after 10 s",
    mode: "require",
    file: "src/consensus/sealed/Registers.ts",
    from: "export const holdTime = 30_000",
    to: "export const holdTime = 10_000"
  },
  {
    why: "says again what it saw 20 s ago",
    mode: "require",
    file: "src/consensus/Timing.ts",
    from: "export const freshTime = 10_000",
    to: "export const freshTime = 20_000"
  },
  {
    why: "counts votes for steps that are further on",
    mode: "require",
    file: "src/consensus/sealed/Register.ts",
    from: "return up !== undefined && nextSeq(from, up) === to",
    to: "return up !== undefined && to > from"
  },
  {
    why: "votes while it is isolated",
    mode: "require",
    file: "src/consensus/sealed/SealedBallot.ts",
    from: 'if (this.#isIsolated) return "isolated"',
    to: ""
  },
  {
    why: "votes on what it may not judge",
    mode: "require",
    file: "src/consensus/sealed/SealedBallot.ts",
    from: 'if (!electorate.has(this.#node) || electorate.size < quorum(electorate.size)) return "no-judge"',
    to: ""
  },
  {
    why: "votes within the minimum time of a status",
    mode: "require",
    file: "src/consensus/sealed/SealedBallot.ts",
    from: "this.#times.isWithin(target, this.#minimumTime(target), this.#now)",
    to: "this.#times.isWithin(target, -1, this.#now)"
  },
  {
    why: "votes in the first epoch that it knew",
    mode: "require",
    file: "src/consensus/sealed/SealedBallot.ts",
    from: "sealVote(signer, this.#rosters.current,",
    to: "sealVote(signer, this.#rosters.all()[0]!,"
  },
  // Around the cores, in the services.
  {
    why: "follows what it has not kept",
    tier: "cluster",
    mode: "require",
    file: "src/consensus/makePerformer.ts",
    from: 'sealing.mode === "require" && proved.length > 0 ? sealing.certificates.add(...proved) : Effect.void',
    to: "Effect.void"
  },
  {
    why: "gives its observations the time of its votes",
    tier: "cluster",
    mode: "require",
    file: "src/consensus/makePerformer.ts",
    from: "observedAt: seen.observedAt",
    to: "observedAt: clock.currentTimeMillisUnsafe()"
  },
  {
    why: "takes nothing over from other nodes",
    tier: "cluster",
    mode: "roster",
    file: "src/status/makeAsker.ts",
    from: "yield* held.take(entry, isKnown, tally)",
    to: ""
  },
  {
    why: "believes what others say is official, without proof",
    tier: "cluster",
    mode: "require",
    file: "src/status/Snapshots.ts",
    from: "proofs.isRequired ? heldByProof(proofs) : heldByTime",
    to: "proofs.isRequired ? heldByTime : heldByTime"
  },
  {
    why: "does not close outages",
    tier: "cluster",
    mode: "require",
    file: "src/status/OutageWriter.ts",
    from: "Effect.mapError(store.close(id, end, blip, decision), troubleOf)",
    to: "end < 0 ? Effect.mapError(store.close(id, end, blip, decision), troubleOf) : Effect.void"
  }
]

const root = resolve(import.meta.dirname, "../..")

/** The project in a folder of its own, with one thing changed. */
const mutated = ({ file, from, to }: Mutation): string => {
  const folder = mkdtempSync(join(tmpdir(), "geodns-mutation-"))
  for (const part of ["src", "test/simulation", "package.json"]) {
    mkdirSync(dirname(join(folder, part)), { recursive: true })
    cpSync(join(root, part), join(folder, part), { recursive: true })
  }
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"))
  const path = join(folder, file)
  const parts = readFileSync(path, "utf8").split(from)
  assert.lengthOf(parts, 2, `${file} must have this exactly once: ${from}`)
  writeFileSync(path, parts.join(to))
  return folder
}

interface Found {
  readonly seeds: number
  readonly failed: ReadonlyArray<{ readonly seed: number; readonly violations: ReadonlyArray<string> }>
}

/** Up to 1,000 seeds there, until one fails. */
const simulate = (folder: string, { mode, tier }: Mutation): Promise<Found> =>
  new Promise((found, fail) => {
    const args = [
      "test/simulation/main.ts",
      "--tier",
      tier ?? "core",
      "--mode",
      mode,
      "--seeds",
      "1000",
      "--failures",
      "1",
      "--workers",
      "1",
      "--json"
    ]
    execFile(
      process.execPath,
      args,
      { cwd: folder, timeout: 170_000, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        // Exit 1 says that a seed failed.
        if (stdout === "") fail(new Error(`the simulation did not run: ${stderr}`, { cause: error }))
        else found(JSON.parse(stdout) as Found)
      }
    )
  })

describe("mistakes in the rules", () => {
  for (const mutation of mutations) {
    it(`finds a consensus that ${mutation.why} (${mutation.mode})`, async () => {
      const folder = mutated(mutation)
      try {
        const { failed } = await simulate(folder, mutation)
        assert.isNotEmpty(failed)
        assert.isNotEmpty(failed[0]!.violations)
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    }, 180_000)
  }
})
