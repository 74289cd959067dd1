import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { type Target, type TargetKey, targetKey } from "../../domain/Target.ts"
import { Certificate } from "../../domain/wire/Seal.ts"
import { AppendFiles } from "../../node/AppendFiles.ts"
import { makeCompactedFile } from "../../node/CompactedFile.ts"
import { Conditions } from "../../node/Conditions.ts"
import { registerLimits } from "./Registers.ts"

/** Where the certificates of the registers are kept. */
export const certificateJournal = "certificates.journal"

/** Where a journal that could not be read is set aside. */
export const brokenCertificateJournal = "certificates.broken.journal"

const condition = "consensus:certificates"

/** Records of one write of a rewrite: few enough that none of them holds up the event loop. */
const sliceRecords = 128

/** As the registers, which refuse what is beyond it. */
const maxCertificates = registerLimits.registers

/** Certificates that go at once when there is no more room, as the file is written anew then. */
const goneAtOnce = 4_096

interface Kept {
  readonly certificate: Certificate
  readonly bytes: number
}

/**
 * The newest certificate of each target, on the disk before anything follows from it. A power cut may take the last of them:
 * that makes registers lower, never wrong, and peers bring them back.
 */
export class CertificateFile extends Context.Service<CertificateFile, {
  /** Keeps each instead of the one that its target had, all in one write. While the disk does not take them, they are in memory only. */
  readonly add: (...certificates: ReadonlyArray<Certificate>) => Effect.Effect<void>
  readonly get: (target: Target) => Certificate | undefined
  /**
   * Says which targets have documents, now and later. Certificates of the others stay, as these may come back and a register must not
   * begin anew; they go, the oldest first, when there is no more room. Until this is said, all of them count.
   */
  readonly knownBy: (isKnown: (target: Target) => boolean) => Effect.Effect<void>
  /** All that are kept, those of the last process too, in the order in which their targets came. */
  readonly all: () => ReadonlyArray<Certificate>
}>()("effect-geodns/consensus/sealed/CertificateFile") {
  /**
   * In the file `certificates.journal`. What of it cannot be read is left out, and is the condition
   * `consensus:certificates`, as is a disk that takes no more.
   */
  static readonly layer: Layer.Layer<CertificateFile, never, AppendFiles | Conditions> = Layer.effect(
    CertificateFile,
    Effect.suspend(() => make)
  )

  /** Over files in memory. */
  static readonly layerMemory: Layer.Layer<CertificateFile> = CertificateFile.layer.pipe(
    Layer.provide([AppendFiles.layerMemory, Conditions.layerMemory])
  )
}

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Certificate))

const make = Effect.gen(function*() {
  const files = yield* AppendFiles
  const conditions = yield* Conditions
  const writing = yield* Semaphore.make(1)
  const kept = new Map<TargetKey, Kept>()
  let bytes = 0
  let strange = 0
  let isKnown: (target: Target) => boolean = () => true

  /** Certificates went that are in the file still: after a restart they would take the room of others. */
  let hasGone = false
  const makeRoom = (): boolean => {
    let gone = 0
    for (const [key, { bytes: length, certificate }] of kept) {
      if (isKnown(certificate.T)) continue
      kept.delete(key)
      bytes -= length
      if (++gone >= goneAtOnce) break
    }
    hasGone ||= gone > 0
    return gone > 0
  }

  const hold = (certificate: Certificate, record: string): boolean => {
    const key = targetKey(certificate.T)
    const before = kept.get(key)
    if (before === undefined && kept.size >= maxCertificates && !makeRoom()) return false
    if (before !== undefined && before.certificate.seq > certificate.seq) return false
    kept.set(key, { certificate, bytes: record.length })
    bytes += record.length - (before?.bytes ?? 0)
    return true
  }

  const problem = yield* Stream.runForEach(files.read(certificateJournal), (record) =>
    Effect.sync(() => {
      const certificate = Option.getOrUndefined(decode(record))
      if (certificate === undefined) strange++
      else hold(certificate, record)
    })).pipe(
      Effect.as(undefined),
      Effect.catch(({ message }) =>
        Effect.as(Effect.ignore(files.rename(certificateJournal, brokenCertificateJournal)), message)
      )
    )
  if (problem !== undefined || strange > 0) {
    yield* conditions.raise(
      condition,
      `${
        problem ?? `${strange} records of ${certificateJournal} are not of this version`
      }: what they proved is learnt again from other nodes`
    )
  }

  const { renew, write } = yield* makeCompactedFile({
    name: certificateJournal,
    goesOn: true,
    records: function*() {
      for (const { certificate } of kept.values()) yield JSON.stringify(certificate)
    },
    bytes: () => bytes,
    slice: sliceRecords,
    condition,
    inMemory: "certificates are in memory only, and a restart would learn them again from other nodes",
    turn: writing
  })

  return CertificateFile.of({
    add: (...certificates) =>
      writing.withPermit(Effect.uninterruptible(Effect.suspend(() => {
        const records: Array<string> = []
        for (const certificate of certificates) {
          const record = JSON.stringify(certificate)
          if (hold(certificate, record)) records.push(record)
        }
        if (records.length === 0) return Effect.void
        const isNew = hasGone
        hasGone = false
        return Effect.andThen(isNew ? renew : Effect.void, write(records, false))
      }))),
    knownBy: (known) => Effect.sync(() => void (isKnown = known)),
    get: (target) => kept.get(targetKey(target))?.certificate,
    all: () => Array.from(kept.values(), ({ certificate }) => certificate)
  })
})
