import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** `Details.Name` of the members that were healthy when some last were, by name and family. */
const LastGoodFile = Schema.fromJsonString(
  Schema.Struct({
    version: Schema.Literal(1),
    names: Schema.Record(
      Schema.String,
      Schema.Struct({ ipv4: Schema.Array(Schema.String), ipv6: Schema.Array(Schema.String) })
    )
  })
)

const nobody: ReadonlySet<string> = new Set()

/** The last sets of healthy members that were not empty. */
export class LastGood {
  readonly #ipv4 = new Map<string, ReadonlySet<string>>()
  readonly #ipv6 = new Map<string, ReadonlySet<string>>()

  /** Reads what {@link encode} wrote; fails with what is wrong with it. */
  static decode(content: string): Result.Result<LastGood, string> {
    return Result.mapBoth(Schema.decodeResult(LastGoodFile)(content), {
      onFailure: (error) => error.message,
      onSuccess: ({ names }) => {
        const self = new LastGood()
        for (const [name, { ipv4, ipv6 }] of Object.entries(names)) {
          self.note(name, false, ipv4)
          self.note(name, true, ipv6)
        }
        return self
      }
    })
  }

  get(name: string, ipv6: boolean): ReadonlySet<string> {
    return (ipv6 ? this.#ipv6 : this.#ipv4).get(name) ?? nobody
  }

  /** Takes the members that are healthy now. True when that changed something; nobody changes nothing. */
  note(name: string, ipv6: boolean, healthy: ReadonlyArray<string>): boolean {
    const before = this.get(name, ipv6)
    const after = new Set(healthy)
    if (after.size === 0 || (after.size === before.size && [...after].every((member) => before.has(member)))) {
      return false
    }
    ;(ipv6 ? this.#ipv6 : this.#ipv4).set(name, after)
    return true
  }

  /** Forgets names that are not served any more. */
  retain(isServed: (name: string) => boolean): void {
    for (const sets of [this.#ipv4, this.#ipv6]) {
      for (const name of sets.keys()) if (!isServed(name)) sets.delete(name)
    }
  }

  encode(): string {
    const names = new Set([...this.#ipv4.keys(), ...this.#ipv6.keys()])
    return JSON.stringify({
      version: 1,
      names: Object.fromEntries(
        [...names].map((name) => [name, { ipv4: [...this.get(name, false)], ipv6: [...this.get(name, true)] }])
      )
    })
  }
}
