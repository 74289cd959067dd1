import { hash } from "node:crypto"
import { type Target, targetKey } from "../../domain/Target.ts"
import type { Certificate } from "../../domain/wire/Seal.ts"

/** A way through all registers begins this often at most, in milliseconds. */
export const roundTime = 30_000

/** Registers that are looked at in one go: about a millisecond of work. */
const maxLooks = 1_000

/** Proposals that one go makes. */
export const maxRenewals = 20

/** Proposals of ours that are open at once: without a quorum each is sent again and again. */
export const maxOpenRenewals = 200

/**
 * Which certificates are to be made anew, as `minEpoch` was raised above their epoch: a slow way through all registers, again and again,
 * about once a second some of it. Without it, who lacks such a certificate would not learn that status before it changes.
 */
export class Renewals {
  readonly #retired: () => Generator<Certificate | undefined>
  #round: Generator<Certificate | undefined> | undefined
  #began = Number.NEGATIVE_INFINITY

  /** `retired` goes through the registers: undefined stands for one whose certificate counts. */
  constructor(retired: () => Generator<Certificate | undefined>) {
    this.#retired = retired
  }

  /** Goes on, while so many of ours are `open`. `propose` tells whether it proposed to prove that again. */
  goOn(now: number, open: number, propose: (certificate: Certificate) => boolean): void {
    const most = Math.min(maxRenewals, maxOpenRenewals - open)
    if (this.#round === undefined) {
      if (Math.abs(now - this.#began) < roundTime) return
      this.#began = now
      this.#round = this.#retired()
    }
    let proposed = 0
    for (let looks = 0; looks < maxLooks && proposed < most; looks++) {
      const next = this.#round.next()
      if (next.done === true) {
        this.#round = undefined
        return
      }
      if (next.value !== undefined && propose(next.value)) proposed++
    }
  }
}

/** The id of such a proposal: no other of this node has it. */
export const renewalIdOf = (node: string, target: Target, seq: number, now: number): string =>
  `renewal-${hash("sha256", JSON.stringify([node, targetKey(target), seq, now])).slice(0, 32)}`
