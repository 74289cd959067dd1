import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import { Config } from "../config/Config.ts"
import type { DocumentError } from "../config/DocumentError.ts"
import { Documents } from "../config/Documents.ts"
import { Conditions } from "../node/Conditions.ts"
import { AnswerState } from "./AnswerState.ts"
import { challengeReading, readChallenges } from "./challengeRecords.ts"

/**
 * Milliseconds between two looks at an address, at least and at most: not all nodes at the same time. Who asks for a
 * certificate waits that long before it lets us be asked.
 */
const interval = [8_000, 10_000] as const

/** What an address gave. */
interface Known {
  /** The data of TXT records; undefined as long as it gave none. */
  data: ReadonlyArray<Uint8Array> | undefined
  /** What is wrong with it now. */
  problem: string | undefined
}

const condition = "dns:acme"

/** That there is nothing at the address is an answer: no certificate is being asked for. */
const nothingThere = ({ reason }: DocumentError): boolean =>
  reason._tag === "NotFound" || reason._tag === "BadStatus" && reason.status === 204

/** Without the address: what is at it may be for us alone. */
const whatFails = (address: string, { found, reason }: DocumentError): string =>
  reason._tag === "Forbidden" ? found : `${new URL(address).host} gives ${found}`

const make = Effect.gen(function*() {
  const documents = yield* Documents
  const conditions = yield* Conditions
  const state = yield* AnswerState
  const { local } = yield* Config.use(({ current }) => current)
  const reading = challengeReading(local)
  const known = new Map<string, Known>()
  // Each on its own: one that hangs holds up no other.
  const watching = yield* FiberMap.make<string>()

  const look = Effect.fnUntraced(function*(address: string, entry: Known) {
    const read = yield* documents.read(address, reading).pipe(
      Effect.catchIf(nothingThere, () => Effect.succeed("")),
      Effect.result
    )
    const data = read._tag === "Success" ? readChallenges(read.success) : undefined
    if (data !== undefined) entry.data = data
    entry.problem = read._tag === "Failure"
      ? whatFails(address, read.failure)
      : data === undefined
      ? "what is there is no challenge: a value a line is, without spaces"
      : undefined
  })

  /** For ever: what is our fault does not end it either. */
  const watch = (address: string, entry: Known) =>
    look(address, entry).pipe(
      Effect.catchDefect((defect) => {
        entry.problem = "reading it failed in a way that is not foreseen; the log says more"
        return Effect.logError("ACME challenges: an address could not be looked at", defect)
      }),
      Effect.andThen(Effect.flatMap(Random.nextIntBetween(...interval), Effect.sleep)),
      Effect.forever
    )

  const report = Effect.suspend(() => {
    const { challenges } = state.current().zones
    const problems = [...known].flatMap(([address, { data, problem }]) =>
      problem === undefined ? [] : [`${challenges.get(address)}${data === undefined ? " (SERVFAIL)" : ""}: ${problem}`]
    )
    if (problems.length === 0) return conditions.clear(condition)
    const more = problems.length > 3 ? `; and ${problems.length - 3} more` : ""
    return conditions.raise(
      condition,
      `ACME challenges cannot be read: ${
        problems.slice(0, 3).join("; ")
      }${more}. What could be read before is answered, else SERVFAIL.`
    )
  })

  /** Looks at the addresses that the zones have now, and at no others. */
  const follow = Effect.gen(function*() {
    const { challenges } = state.current().zones
    for (const address of known.keys()) {
      if (challenges.has(address)) continue
      known.delete(address)
      yield* FiberMap.remove(watching, address)
    }
    for (const address of challenges.keys()) {
      if (known.has(address)) continue
      const entry: Known = { data: undefined, problem: undefined }
      known.set(address, entry)
      yield* FiberMap.run(watching, address, watch(address, entry), { startImmediately: true })
    }
    yield* report
  })

  yield* follow.pipe(
    Effect.catchCause((cause) => Effect.logError("ACME challenges: a round failed", cause)),
    Effect.repeat(Schedule.spaced("1 second")),
    Effect.forkScoped
  )
  return AcmeChallenges.of({ data: (address) => known.get(address)?.data })
})

/**
 * The TXT records that an ACME client leaves for us at a URL (RFC 8555, 8.4): a static TXT record at `_acme-challenge.…` whose
 * content is an `http` or `https` URL is answered with what is there, a value a line. It is read in the background every 10 s;
 * redirects to other hosts are not followed, and only the internet and the networks of `GeoDNS.Outbound.Allow` are reached. What
 * cannot be read is the condition `dns:acme`.
 */
export class AcmeChallenges extends Context.Service<AcmeChallenges, {
  /**
   * What an address of `ZoneData.challenges` gave last, as the data of TXT records; none when nothing is there. Undefined
   * before it could be read for the first time. Synchronous, for the hot path.
   */
  readonly data: (address: string) => ReadonlyArray<Uint8Array> | undefined
}>()("effect-geodns/dns/AcmeChallenges") {
  /** Of the zones that are served, from wherever `Documents` reads. */
  static readonly layerDocuments: Layer.Layer<AcmeChallenges, never, Conditions | Config | Documents | AnswerState> =
    Layer
      .effect(
        AcmeChallenges,
        make
      )

  /** From the network. */
  static readonly layer: Layer.Layer<AcmeChallenges, never, Conditions | Config | AnswerState> = AcmeChallenges
    .layerDocuments
    .pipe(
      Layer.provide(Documents.layer)
    )

  /** What is known from the start: address → body. */
  static readonly layerMemory = (bodies: Readonly<Record<string, string>> = {}): Layer.Layer<AcmeChallenges> =>
    Layer.sync(AcmeChallenges, () => {
      const known = new Map(Object.entries(bodies).map(([address, body]) => [address, readChallenges(body)]))
      return AcmeChallenges.of({ data: (address) => known.get(address) })
    })
}
