import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { makeAnswers } from "../../bus/Answers.ts"
import { Bus, type BusMessage } from "../../bus/Bus.ts"
import { messageCodec } from "../../bus/MessageCodec.ts"
import * as Messages from "../../bus/Messages.ts"
import { type Target, targetKey } from "../../domain/Target.ts"
import type { CertificateMessage } from "../../domain/wire/Certificates.ts"
import type { Certificate } from "../../domain/wire/Seal.ts"
import * as Subject from "../../domain/wire/Subject.ts"
import { NodeIdentity } from "../../node/NodeIdentity.ts"
import { SenderBudget } from "../../status/SenderBudget.ts"
import type { CertificateFile } from "./CertificateFile.ts"
import { certificatePage, readCertificates } from "./certificatePages.ts"
import { FetchQueue, type Wanted } from "./FetchQueue.ts"

/** What all answers together may cost the network, in bytes. */
const answerRate = { perSecond: 1024 * 1024, most: 8 * 1024 * 1024 }

/** Certificates of one message that are looked at. */
const maxTold = 64

/** Certificates that others tell unasked and that are looked at: a forged one costs a look at a signature. */
const toldBudget = {
  each: { most: 256, perSecond: 64 },
  all: { most: 2_048, perSecond: 256 },
  senders: 256
}

/** Answers to a question to all that are looked at: more than anybody who is in the way sends for nothing, and soon verified. */
const maxAnswers = 64

/** What a node that is behind does about it. */
export interface Exchange {
  /** Asks for the certificate of a target, `from` a node, or from everybody (`""`). What comes is handed over. */
  readonly fetch: (wanted: Wanted) => Effect.Effect<void>
}

/**
 * Asks other nodes for certificates, and answers theirs, on `geodns.v1.certificates`. Answers go to inboxes only, and so many
 * bytes a second, whoever asks. `deliver` takes what came, and of whom if it was asked for; neither is verified.
 */
export const exchangeCertificates = Effect.fnUntraced(function*(options: {
  readonly certificates: Pick<CertificateFile["Service"], "all" | "get">
  readonly deliver: (certificate: Certificate, from: string | undefined) => Effect.Effect<void>
}): Effect.fn.Return<Exchange, never, Bus | NodeIdentity | Scope.Scope> {
  const { certificates, deliver } = options
  const bus = yield* Bus
  const clock = yield* Clock.Clock
  const { id } = yield* NodeIdentity
  const answers = yield* makeAnswers(Subject.Certificates, answerRate)
  const told = new SenderBudget(toldBudget)
  const scope = yield* Effect.scope
  const fetches = new FetchQueue()

  const answer = Effect.fnUntraced(function*({ From, Seq = 0, Target: target }: CertificateMessage, reply: string) {
    if (!(yield* answers.mayGoTo(reply)) || !(yield* answers.mayBeGiven)) return
    const mine = target === undefined ? undefined : certificates.get(target)
    // Who asks for a step that we do not have either is better answered by somebody else.
    if (target !== undefined && (mine === undefined || mine.seq < Seq)) return
    const text = certificatePage(id, mine === undefined ? certificates.all() : [mine], mine === undefined ? From : 0)
    answers.spend(text.length)
    yield* bus.publish(reply, text)
    yield* Metric.update(answered, 1)
  })

  const onMessage = (message: CertificateMessage, reply: string | undefined) =>
    Effect.gen(function*() {
      const { Certificates, NodeID, To, Type } = message
      if (NodeID === id) return
      if (Type === "ask") {
        if (reply !== undefined && (To === undefined || To === id)) yield* answer(message, reply)
        return
      }
      for (const certificate of readCertificates(Certificates, maxTold)) {
        if (!told.spend(NodeID, Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n))) {
          return yield* Metric.update(untaken, 1)
        }
        yield* deliver(certificate, undefined)
      }
    })

  const ask = Effect.fnUntraced(function*(target: Target, seq: number, to: string) {
    const question = encode({
      Type: "ask",
      NodeID: id,
      ...to !== "" && { To: to },
      Target: target,
      Seq: seq,
      From: 0,
      Certificates: []
    })
    if (Result.isFailure(question)) return
    /** What it says of the target, if that is from the node that was asked, and of use. */
    const read = ({ data }: BusMessage) => {
      const answer = decode(data)
      if (Result.isFailure(answer)) return undefined
      const { Certificates, NodeID } = answer.success
      const [certificate] = readCertificates(Certificates, 1)
      const isFit = NodeID !== id && (to === "" || NodeID === to)
        && certificate !== undefined && certificate.seq >= seq && targetKey(certificate.T) === targetKey(target)
      return isFit ? { certificate, from: NodeID } : undefined
    }
    const messages = yield* bus.askAll(Subject.Certificates.name, question.success, {
      wait: "1 second",
      max: to === "" ? maxAnswers : 1,
      accept: (answer) => read(answer) !== undefined
    })
    for (const message of messages) {
      const answer = read(message)
      if (answer !== undefined) yield* deliver(answer.certificate, answer.from)
    }
  })

  const seqOf = (target: Target) => certificates.get(target)?.seq ?? 0

  const work = (wanted: Wanted) =>
    Effect.gen(function*() {
      const { from, seq, target } = wanted
      if (from !== "" && seqOf(target) < seq) yield* ask(target, seq, from)
      // Who made us ask may have invented that step: whatever others have beyond ours is of use.
      if (seqOf(target) < seq) yield* ask(target, seqOf(target) + 1, "")
    }).pipe(
      Effect.catch((error) => error.reason._tag === "Disconnected" ? Effect.void : Effect.logWarning(error.message)),
      Effect.catchCause((cause) => Effect.logError("asking for a certificate failed", cause)),
      Effect.ensuring(Effect.sync(() => fetches.done(wanted)))
    )

  const workOn: Effect.Effect<void> = Effect.suspend(() => {
    const wanted = fetches.take()
    return wanted === undefined
      ? Effect.void
      : Effect.andThen(Effect.forkIn(Effect.andThen(work(wanted), workOn), scope), workOn)
  })

  yield* Messages.receive(Subject.Certificates, (message, { reply }) => onMessage(message, reply)).pipe(
    Effect.tapError((error) => Effect.logWarning(error.message)),
    Effect.retry(Schedule.spaced("2 seconds")),
    Effect.provideService(Bus, bus),
    Effect.forkScoped({ startImmediately: true })
  )

  return {
    fetch: (wanted) => Effect.andThen(Effect.sync(() => fetches.offer(wanted)), workOn)
  }
})

const { encode } = messageCodec(Subject.Certificates)
const { decode } = messageCodec(Subject.CertificatesReply)

const answered = Metric.counter("geodns_certificate_answers_total", {
  description: "Questions for certificates that this node answered",
  incremental: true
})

const untaken = Metric.counter("geodns_certificates_untaken_total", {
  description: "Messages with certificates that nobody asked for, left unread as too many came",
  incremental: true
})
