import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** `Details.Name` of the members that were healthy when some last were, by name and family. */
const LastHealthyFile = Schema.fromJsonString(
  Schema.Struct({
    version: Schema.Literal(1),
    names: Schema.Record(
      Schema.String,
      Schema.Struct({ ipv4: Schema.Array(Schema.String), ipv6: Schema.Array(Schema.String) })
    )
  })
)

const nobody: ReadonlySet<string> = new Set()
const noList: ReadonlyArray<string> = []

/** The same members twice; the list is the latest of those that are equal. */
interface Note {
  list: ReadonlyArray<string>
  readonly set: ReadonlySet<string>
  /** Those of them that were healthy, without the ones that had gone lately. */
  readonly survivors: ReadonlySet<string>
}

const isSameList = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): boolean => {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** The notes of one family, by name. */
class Notes extends Map<string, Note> {
  /** Two lists that were found to be the same: many names have the same two, those are compared once. */
  #same: readonly [ReadonlyArray<string>, ReadonlyArray<string>] = [[], []]

  isSame(a: ReadonlyArray<string>, b: ReadonlyArray<string>): boolean {
    if (this.#same[0] !== a || this.#same[1] !== b) {
      if (!isSameList(a, b)) return false
      this.#same = [a, b]
    }
    return true
  }
}

/**
 * The last sets of healthy members that were not empty, by name and family. Members that went down in one burst with the last
 * healthy ones stay in: else a minute in which all go would leave the last survivor alone.
 */
export class LastHealthy {
  readonly #ipv4 = new Notes()
  readonly #ipv6 = new Notes()

  /** Reads what {@link encode} wrote; fails with what is wrong with it. */
  static decode(content: string): Result.Result<LastHealthy, string> {
    return Result.mapBoth(Schema.decodeResult(LastHealthyFile)(content), {
      onFailure: (error) => error.message,
      onSuccess: ({ names }) => {
        const self = new LastHealthy()
        for (const [name, { ipv4, ipv6 }] of Object.entries(names)) {
          self.note(name, false, ipv4)
          self.note(name, true, ipv6)
        }
        return self
      }
    })
  }

  get(name: string, ipv6: boolean): ReadonlySet<string> {
    return (ipv6 ? this.#ipv6 : this.#ipv4).get(name)?.set ?? nobody
  }

  /** Those of {@link get} that were healthy to the last; after a restart that is not known, and it is all of them. */
  survivors(name: string, ipv6: boolean): ReadonlySet<string> {
    return (ipv6 ? this.#ipv6 : this.#ipv4).get(name)?.survivors ?? nobody
  }

  /**
   * Takes the members that are healthy now; those of before that went down `lately` stay beside them. True when that changed
   * something; nobody healthy changes nothing.
   */
  note(
    name: string,
    ipv6: boolean,
    healthyNow: ReadonlyArray<string>,
    lately: ReadonlyArray<string> = noList
  ): boolean {
    if (healthyNow.length === 0) return false
    const notes = ipv6 ? this.#ipv6 : this.#ipv4
    const before = notes.get(name)
    const stay = before === undefined || lately.length === 0
      ? noList
      : lately.filter((member) => before.set.has(member))
    const healthy = stay.length === 0 ? healthyNow : [...healthyNow, ...stay]
    // Nearly always they are the same in the same order, which is told much faster than whether two sets are the same.
    if (before !== undefined && notes.isSame(before.list, healthy) && before.survivors.size === healthyNow.length) {
      before.list = healthy
      return false
    }
    const set = new Set(healthy)
    notes.set(name, { list: healthy, set, survivors: stay.length === 0 ? set : new Set(healthyNow) })
    return before === undefined || set.size !== before.set.size || !healthy.every((member) => before.set.has(member))
  }

  /** Forgets names that are not served any more. */
  retain(isServed: (name: string) => boolean): void {
    for (const sets of [this.#ipv4, this.#ipv6]) {
      for (const name of sets.keys()) if (!isServed(name)) sets.delete(name)
    }
  }

  encode(): string {
    // Many names have the same list, and lists are long: each is written once and copied.
    const texts = new Map<ReadonlyArray<string>, string>()
    const textOf = (list: ReadonlyArray<string> = []): string => {
      const known = texts.get(list) ?? JSON.stringify(list)
      texts.set(list, known)
      return known
    }
    const names = [...new Set([...this.#ipv4.keys(), ...this.#ipv6.keys()])].map((name) =>
      `${JSON.stringify(name)}:{"ipv4":${textOf(this.#ipv4.get(name)?.list)},"ipv6":${
        textOf(this.#ipv6.get(name)?.list)
      }}`
    )
    return `{"version":1,"names":{${names.join()}}}`
  }
}
