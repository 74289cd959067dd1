import type * as Result from "effect/Result"
import { type Target, type TargetKey, targetKey } from "../../domain/Target.ts"
import type { FinalizeMessage } from "../../domain/wire/Consensus.ts"
import type { Certificate } from "../../domain/wire/Seal.ts"
import type { Invalid } from "./Invalid.ts"
import { statusOf } from "./Register.ts"
import { RegisterDigest, type SeqDigest } from "./RegisterDigest.ts"
import type { RegisterEffect, RegisterEvent, RegisterStep } from "./RegisterEffect.ts"
import type { Proof } from "./verify.ts"

/** A certificate whose newest observation is older than this, by our clock, is late. Milliseconds, as all here. */
export const lateAfter = 2 * 60_000

/** How long nothing follows from a late certificate: time for somebody to show a higher one. */
export const holdTime = 30_000

/** Who is behind on a target is told this often at most. */
export const answerTime = 10_000

/** What registers keep and send at most. */
export interface RegisterLimits {
  readonly registers: number
  /** Answers within a second, whoever is behind. */
  readonly answersPerSecond: number
}

/** Room for as many targets as can have an official status. */
export const registerLimits: RegisterLimits = { registers: 65_536, answersPerSecond: 100 }

interface Register {
  readonly seq: number
  readonly certificate: Certificate
  answeredAt: number
}

interface Held {
  readonly step: RegisterStep
  until: number
}

/**
 * The registers of a node: of each target the highest seq that was proved, and its certificate. Pure: events go in, effects come
 * out; owns its state, all of it bounded. A register never falls, and whoever saw the same certificates holds the same
 * seqs, in whatever order they came.
 */
export class Registers {
  readonly #verify: (certificate: Certificate, message: FinalizeMessage | undefined) => Result.Result<Proof, Invalid>
  readonly #knows: (target: Target) => boolean
  readonly #minEpoch: () => number
  readonly #limits: RegisterLimits
  readonly #registers = new Map<TargetKey, Register>()
  readonly #held = new Map<TargetKey, Held>()
  readonly #digest = new RegisterDigest()
  #second = Number.NEGATIVE_INFINITY
  #answers = 0

  /** `verify` and `minEpoch` by the rosters of the moment; `knows`: whether the configuration has the target. */
  constructor(options: {
    readonly verify: (certificate: Certificate, message: FinalizeMessage | undefined) => Result.Result<Proof, Invalid>
    readonly minEpoch?: () => number
    readonly knows?: (target: Target) => boolean
    readonly limits?: Partial<RegisterLimits>
  }) {
    this.#verify = options.verify
    this.#minEpoch = options.minEpoch ?? (() => 0)
    this.#knows = options.knows ?? (() => true)
    this.#limits = { ...registerLimits, ...options.limits }
  }

  /** Takes an event at `now`, milliseconds since the epoch. */
  handle(event: RegisterEvent, now: number): ReadonlyArray<RegisterEffect> {
    switch (event._tag) {
      case "Certificate":
        return this.#receive(event.certificate, event.message, now)
      case "Restore":
        return this.#restore(event.certificate, now)
      case "Behind": {
        const mine = this.#registers.get(targetKey(event.target))
        return mine === undefined ? ignored("same") : this.#answer(mine, now)
      }
      case "Tick":
        return this.#release(now)
    }
  }

  /**
   * Forgets the registers of targets that the configuration does not have any more, and tells which: they take no room, and all nodes have
   * the same digest, whenever they were started. Who keeps the certificate may restore it when its target comes back.
   */
  retain(knows: (target: Target) => boolean): ReadonlyArray<Target> {
    const gone: Array<Target> = []
    for (const [key, { certificate: { T: target }, seq }] of this.#registers) {
      if (knows(target)) continue
      this.#registers.delete(key)
      this.#held.delete(key)
      this.#digest.remove(key, seq)
      gone.push(target)
    }
    return gone
  }

  /** Where the register of a target stands; 0 when it was never decided. */
  seq(target: Target): number {
    return this.#registers.get(targetKey(target))?.seq ?? 0
  }

  /** Whether a certificate for `seq` would be taken: a higher one, or the same again where ours is of an epoch that is retired. */
  wants(target: Target, seq: number): boolean {
    const mine = this.#registers.get(targetKey(target))
    return seq > (mine?.seq ?? 0) || (seq === mine?.seq && this.#isRetired(mine))
  }

  /** What proves it; undefined when it was never decided. */
  certificate(target: Target): Certificate | undefined {
    return this.#registers.get(targetKey(target))?.certificate
  }

  /** All that is proved, for peers that ask. */
  certificates(): ReadonlyArray<Certificate> {
    return Array.from(this.#registers.values(), ({ certificate }) => certificate)
  }

  /** Those that prove nothing any more, as their epoch is retired; and undefined for each that does, for who goes through many. */
  *retired(): Generator<Certificate | undefined> {
    for (const register of this.#registers.values()) yield this.#isRetired(register) ? register.certificate : undefined
  }

  digest(): SeqDigest {
    return this.#digest.digest()
  }

  /** How much is kept, for tests and metrics. */
  size(): { readonly registers: number; readonly held: number } {
    return { registers: this.#registers.size, held: this.#held.size }
  }

  /** What cannot win is not verified: that is dear. */
  #receive(
    received: Certificate,
    message: FinalizeMessage | undefined,
    now: number
  ): ReadonlyArray<RegisterEffect> {
    const key = targetKey(received.T)
    const mine = this.#registers.get(key)
    const isRenewal = mine !== undefined && received.seq === mine.seq
    if (isRenewal && !this.#isRetired(mine)) return ignored("same")
    if (mine !== undefined && received.seq < mine.seq) return this.#answer(mine, now)
    const refused = this.#refusal(received.T, mine)
    if (refused !== undefined) return refused

    const verified = this.#verify(received, message)
    if (verified._tag === "Failure") return [{ _tag: "DropInvalid", reason: verified.failure }]
    const { certificate, newest, seq, target, up } = verified.success
    this.#adopt(key, mine, certificate)
    const persist = { _tag: "Persist", certificate } as const
    if (isRenewal) {
      // What still waits to be followed is followed with the proof that counts.
      const held = this.#held.get(key)
      if (held !== undefined) this.#held.set(key, { ...held, step: { ...held.step, certificate } })
      return [persist, { _tag: "Renewed", target, seq }]
    }
    const step = { target, seq, up, certificate, message }
    if (now - newest > lateAfter) return [persist, this.#hold(key, step, now)]
    this.#held.delete(key)
    return [persist, { _tag: "Apply", step, late: false }]
  }

  /** It was verified before it was kept. Peers may be further by now: nothing follows from it at once. */
  #restore(certificate: Certificate, now: number): ReadonlyArray<RegisterEffect> {
    const key = targetKey(certificate.T)
    const mine = this.#registers.get(key)
    const up = statusOf(certificate.seq)
    if (up === undefined || certificate.seq <= (mine?.seq ?? 0)) return ignored("same")
    const refused = this.#refusal(certificate.T, mine)
    if (refused !== undefined) return refused
    this.#adopt(key, mine, certificate)
    const step = { target: certificate.T, seq: certificate.seq, up, certificate, message: undefined }
    return [this.#hold(key, step, now)]
  }

  #isRetired({ certificate }: Register): boolean {
    return certificate.epoch < this.#minEpoch()
  }

  #refusal(target: Target, mine: Register | undefined): ReadonlyArray<RegisterEffect> | undefined {
    if (!this.#knows(target)) return ignored("unknown-target")
    return mine === undefined && this.#registers.size >= this.#limits.registers ? ignored("full") : undefined
  }

  #adopt(key: TargetKey, mine: Register | undefined, certificate: Certificate): void {
    this.#digest.step(key, mine?.seq ?? 0, certificate.seq)
    this.#registers.set(key, {
      seq: certificate.seq,
      certificate,
      answeredAt: mine?.answeredAt ?? Number.NEGATIVE_INFINITY
    })
  }

  #hold(key: TargetKey, step: RegisterStep, now: number): RegisterEffect {
    const until = now + holdTime
    this.#held.set(key, { step, until })
    return { _tag: "AdoptLate", step, until }
  }

  #release(now: number): ReadonlyArray<RegisterEffect> {
    const effects: Array<RegisterEffect> = []
    for (const [key, held] of this.#held) {
      // A clock that was set back does not make it longer than it may be.
      held.until = Math.min(held.until, now + holdTime)
      if (held.until > now) continue
      this.#held.delete(key)
      effects.push({ _tag: "Apply", step: held.step, late: true })
    }
    return effects
  }

  #answer(mine: Register, now: number): ReadonlyArray<RegisterEffect> {
    const second = Math.floor(now / 1_000)
    if (second !== this.#second) {
      this.#second = second
      this.#answers = 0
    }
    // A clock that was set back does not silence us.
    const isSoon = now >= mine.answeredAt && now - mine.answeredAt < answerTime
    if (isSoon || this.#answers >= this.#limits.answersPerSecond) return ignored("lower")
    mine.answeredAt = now
    this.#answers++
    return [{ _tag: "AnswerMine", certificate: mine.certificate }]
  }
}

const ignored = (reason: Extract<RegisterEffect, { _tag: "Ignore" }>["reason"]): ReadonlyArray<RegisterEffect> => [
  { _tag: "Ignore", reason }
]
