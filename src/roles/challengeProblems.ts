import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { Documents } from "../config/Documents.ts"
import type { Problem } from "../config/Problem.ts"
import { challengeReading, readChallenges } from "../dns/challengeRecords.ts"
import type { Local } from "../domain/documents/Local.ts"

/** How long an address may take to answer, and how many are asked at once: whoever checks documents waits for all. */
const patience = Duration.seconds(3)
const concurrency = 16

/**
 * The addresses of ACME challenges (`ZoneData.challenges`: address → name) that cannot be read from here, for nodes that answer
 * them, as `local` says. That nothing is there is right: no certificate is being asked for. Only the host of an address is told: what is at it
 * may be for us alone.
 */
export const challengeProblems = (
  challenges: ReadonlyMap<string, string>,
  local: Local
): Effect.Effect<ReadonlyArray<Problem>, never, Documents> =>
  Effect.map(
    Effect.forEach(
      challenges,
      ([address, name]) =>
        Effect.map(whatIsWrong(address, local), (found): ReadonlyArray<Problem> =>
          found === undefined ? [] : [{
            severity: "warning",
            document: "StaticDNSConfig",
            path: `${name} TXT`,
            expected: `ACME challenges, or nothing, at its address on ${new URL(address).host}`,
            found,
            hint: "a node that cannot read it from the start answers SERVFAIL there, and no certificate is given"
          }]),
      { concurrency }
    ),
    (problems) => problems.flat()
  )

const whatIsWrong = (address: string, local: Local) =>
  Documents.use((documents) => documents.read(address, challengeReading(local))).pipe(
    Effect.map((body) => readChallenges(body) === undefined ? "something that is no challenge" : undefined),
    Effect.catch((error) =>
      Effect.succeed(
        error.reason._tag === "NotFound" || error.reason._tag === "BadStatus" && error.reason.status === 204
          ? undefined
          : error.found
      )
    ),
    Effect.timeoutOrElse({
      duration: patience,
      orElse: () => Effect.succeed(`no answer within ${Duration.toSeconds(patience)} s`)
    })
  )
