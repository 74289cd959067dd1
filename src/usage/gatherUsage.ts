import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Bus, type BusError, type BusMessage } from "../bus/Bus.ts"
import { messageCodec } from "../bus/MessageCodec.ts"
import * as Messages from "../bus/Messages.ts"
import * as Subject from "../domain/wire/Subject.ts"
import type { UsagePage } from "../domain/wire/UsagePages.ts"
import type { Period } from "./collectedRows.ts"
import { newReplySubject, paging } from "./usagePages.ts"

/** How long nothing may come before those who have not answered are given up. Milliseconds. */
const patience = 20_000
/** How long one gathering may take, however much comes. Milliseconds. */
const longest = 10 * 60_000
/** Nodes that may answer one question. */
const maxNodes = 1_000

const everything = { domain: "", memberName: "", country: "" }

/** How far one node is. */
interface Progress {
  nextPage: number
  done: boolean
}

/** What to do with what comes. */
export interface Gathering {
  readonly period: Period
  /** Done when these have answered in full. Nobody: after 20 seconds of silence. */
  readonly expected: ReadonlyArray<string>
  /** Only these are asked; v2's answer all the same. */
  readonly nodes?: ReadonlyArray<string>
  /** Takes a page, or the whole answer of a v2 node. Those of one node come in order. False: the answer is of no use. */
  readonly take: (page: UsagePage) => Effect.Effect<boolean>
}

/**
 * Asks DNS nodes for their totals and takes what comes, further pages only when those before are taken. Succeeds with the
 * nodes that have answered in full.
 */
export const gatherUsage = Effect.fnUntraced(function*(
  gathering: Gathering
): Effect.fn.Return<ReadonlySet<string>, BusError, Bus | Scope.Scope> {
  const { expected, nodes, period, take } = gathering
  const bus = yield* Bus
  const subject = { ...Subject.UsagePages, name: newReplySubject() }
  const { decode } = messageCodec(subject)
  const messages = yield* bus.subscribe(subject.name)
  const progress = new Map<string, Progress>()
  const complete = new Set<string>()
  const all = yield* Deferred.make<void>()
  let lastCame = yield* Clock.currentTimeMillis

  const finish = (node: string) =>
    Effect.suspend(() => {
      complete.add(node)
      return expected.length > 0 && expected.every((id) => complete.has(id))
        ? Deferred.succeed(all, undefined)
        : Effect.void
    })

  const takePage = Effect.fnUntraced(function*(page: UsagePage) {
    const node = page.nodeID
    const known = progress.get(node)
    if (node === "" || known?.done === true || known === undefined && progress.size >= maxNodes) return
    if (page.error !== undefined) {
      return yield* Effect.logWarning("a DNS node does not tell its usage").pipe(
        Effect.annotateLogs({ node, error: page.error.slice(0, 300) })
      )
    }
    const own = known ?? { nextPage: 0, done: false }
    progress.set(node, own)
    // One that was lost is not made good by those behind it; one that comes twice was taken.
    if (page.Page !== undefined && page.Page !== own.nextPage) return
    own.nextPage += 1
    if (!(yield* take(page))) {
      own.done = true
      return
    }
    if (page.Page === undefined || page.Final === true) {
      own.done = true
      yield* finish(node)
    } else if (page.Next !== undefined) {
      yield* Messages.send(Subject.MoreUsage, { NodeID: node, Next: page.Next, ...period, ...everything }, subject.name)
    }
  })

  const handle = Effect.fnUntraced(function*(message: BusMessage) {
    const decoded = decode(message.data)
    if (Result.isFailure(decoded)) {
      return yield* Effect.logWarning("an answer about usage cannot be read").pipe(
        Effect.annotateLogs({ problem: decoded.failure().slice(0, 300) })
      )
    }
    yield* takePage(decoded.success)
    lastCame = yield* Clock.currentTimeMillis
  })

  yield* messages.pipe(
    Stream.runForEach((message) =>
      Effect.catchCause(handle(message), (cause) => Effect.logWarning("an answer about usage was lost", cause))
    ),
    Effect.forkScoped
  )
  yield* Messages.send(Subject.GetUsagePages, {
    ...period,
    ...everything,
    Paging: paging,
    ...(nodes !== undefined && { Nodes: nodes })
  }, subject.name)

  const asked = yield* Clock.currentTimeMillis
  while (true) {
    const now = yield* Clock.currentTimeMillis
    const left = Math.min(lastCame + patience, asked + longest) - now
    if (left <= 0) break
    if (Option.isSome(yield* Effect.timeoutOption(Deferred.await(all), left))) break
  }
  return complete
}, Effect.scoped)
