import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import { Bus, type BusError, type BusMessage } from "../bus/Bus.ts"
import { messageCodec } from "../bus/MessageCodec.ts"
import { Config } from "../config/Config.ts"
import type { StatusAnswer, StatusQuestion } from "../domain/wire/Snapshot.ts"
import * as Subject from "../domain/wire/Subject.ts"
import { type Holdings, type SnapshotHead, type Tally, viewAge } from "./Holdings.ts"
import { KnownTargets } from "./KnownTargets.ts"
import type { Peers, Standing } from "./Peers.ts"
import type { Digest } from "./StatusDigest.ts"

/** Answers to a question to everyone. */
const maxAnswers = 1_024

/** Entries of one node; a table holds no more. */
const maxEntries = 65_536

/** How often a page is asked for. One who never gave any has one try for the first. */
const tries = 3

/** How long one node may take to give what it has, in milliseconds; the rest comes when it is asked again. */
const takeTime: Readonly<Record<Standing, number>> = { member: 2 * 60_000, known: 60_000, stranger: 60_000 }

/** What came of asking one node. */
export interface Taken {
  /** Targets of which more is known now. */
  readonly changed: number
  /** It gave all it has. */
  readonly isWhole: boolean
}

/** Asks other nodes what they hold for official, and takes it. */
export interface Asker {
  /** Asks everyone how much it holds. */
  readonly everyone: Effect.Effect<ReadonlyArray<StatusAnswer>, BusError>
  /** Takes what a node has and we have not, page by page. Does nothing while it is being asked already. */
  readonly takeFrom: (node: string) => Effect.Effect<Taken, BusError>
}

const nothing: Taken = { changed: 0, isWhole: false }

/** `headOf` is what a node says of itself with each question. */
export const makeAsker = Effect.fnUntraced(function*(options: {
  readonly headOf: (digest: Digest) => SnapshotHead
  readonly held: Holdings
  readonly peers: Peers
}) {
  const { headOf, held, peers } = options
  const bus = yield* Bus
  const clock = yield* Clock.Clock
  const config = yield* Config
  const known = yield* KnownTargets
  const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)
  const asking = new Set<string>()
  const turns: Readonly<Record<Standing, Semaphore.Semaphore>> = {
    member: yield* Semaphore.make(1),
    known: yield* Semaphore.make(1),
    stranger: yield* Semaphore.make(1)
  }

  const ask = Effect.fnUntraced(
    function*(about: Pick<StatusQuestion, "From"> & { readonly To?: string }, max: number, wait: Duration.Input) {
      /** Anybody can answer, and be faster than who was asked. */
      const read = ({ data }: BusMessage) => {
        const answer = decode(data)
        if (Result.isFailure(answer)) return undefined
        const { From, NodeID } = answer.success
        return about.To === undefined || (NodeID === about.To && From === about.From) ? answer.success : undefined
      }
      // A digest that is right at the first page spares all of them.
      const head = headOf(yield* held.digest(about.From === 0 ? 0 : viewAge))
      const question = encode({ Type: "ask", ...head, ...about })
      if (Result.isFailure(question)) return []
      const accept = (message: BusMessage) => read(message) !== undefined
      const messages = yield* bus.askAll(Subject.Status.name, question.success, { wait, max, accept })
      return messages.flatMap((message) => read(message) ?? [])
    }
  )

  /** One page of a node; undefined when it does not come. */
  const page = (node: string, from: number, times: number): Effect.Effect<StatusAnswer | undefined, BusError> =>
    Effect.map(ask({ To: node, From: from }, 1, "1 second"), ([answer]) => answer).pipe(
      Effect.repeat({ until: (answer) => answer !== undefined, times: times - 1 })
    )

  const take = Effect.fnUntraced(function*(node: string): Effect.fn.Return<Taken, BusError> {
    const standing = peers.standing(node)
    const isKnown = known(yield* config.current)
    const tally: Tally = { from: node, changed: 0, different: [], unchecked: 0 }
    let seen = 0
    /** Takes a page. Undefined when it does not come, else where the next one begins, -1 after the last. */
    const next = Effect.fnUntraced(function*(from: number, times: number) {
      const answer = yield* page(node, from, times)
      if (answer === undefined) return undefined
      peers.heard(node, answer.NodeRole, { count: answer.Count, hash: answer.Hash }, now())
      for (const entry of answer.Entries) {
        if (++seen % held.slice === 0) yield* Effect.yieldNow
        yield* held.take(entry, isKnown, tally)
      }
      const { Next } = answer
      return Next !== undefined && Next > from && Next <= maxEntries ? Next : -1
    })

    const rest = Effect.fnUntraced(function*(from: number) {
      const end = now() + takeTime[standing]
      let at: number | undefined = from
      while (at !== undefined && at >= 0) at = now() < end ? yield* next(at, tries) : undefined
      return at
    })

    const second = yield* next(0, standing === "stranger" ? 1 : tries)
    // Where there is more, what another one gives meanwhile may be all that this one has.
    const end = second === undefined || second < 0 ? second : yield* turns[standing].withPermit(
      Effect.flatMap(held.digest(0), (ours) => peers.differs(node, ours) ? rest(second) : Effect.succeed(-1))
    )
    if (end === undefined || tally.unchecked > 0) {
      peers.wasSilent(node, now())
      return { changed: tally.changed, isWhole: false }
    }
    peers.settle(node, yield* held.digest(0), tally.different, now())
    return { changed: tally.changed, isWhole: true }
  })

  return {
    everyone: ask({ From: 0 }, maxAnswers, "750 millis"),
    takeFrom: (node) =>
      Effect.suspend(() => {
        if (asking.has(node)) return Effect.succeed(nothing)
        asking.add(node)
        return Effect.ensuring(take(node), Effect.sync(() => asking.delete(node)))
      })
  } satisfies Asker as Asker
})

const { encode } = messageCodec(Subject.Status)
const { decode } = messageCodec(Subject.StatusReply)
