import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { Documents } from "../config/Documents.ts"
import { suggestion } from "../config/nearest.ts"
import { readDocuments } from "../config/readDocuments.ts"
import { hostName, hostOf } from "../domain/Catalog.ts"
import { paint } from "./paint.ts"

/** What a report was narrowed down to. */
export interface Filters {
  readonly member: Option.Option<string>
  readonly domain: Option.Option<string>
}

/** How long the documents are waited for. The report itself needs none of them. */
const patience = "5 seconds"

/** The usage of answers that held no address of a member. */
const noMember = "(none)"

/** What is wrong with a value; undefined when the documents know it. `known` is undefined when they could not be read. */
export const unknownValue = (
  flag: string,
  value: string,
  known: ReadonlyArray<string> | undefined
): string | undefined => {
  if (known === undefined) {
    return `--${flag} ${JSON.stringify(value)}: nothing was found, and the documents that could know it cannot be read`
  }
  if (known.includes(value)) return undefined
  const hint = suggestion(value, known)
  return `--${flag} ${JSON.stringify(value)}: neither the documents nor what was found know it${
    hint === undefined ? "" : `; ${hint}`
  }`
}

const warn = (config: string, { domain, member }: Filters) =>
  Effect.gen(function*() {
    const read = yield* Effect.timeoutOption(readDocuments({ path: config }, {}, {}), patience)
    const shared = Option.getOrUndefined(read)?.shared
    const members = shared?.MembersConfig
    const services = shared?.ServicesConfig
    const names = members?.location === ""
      ? []
      : members?.value && Object.values(members.value).map(({ Details }) => Details.Name)
    const urls = services?.value
      && Object.values(services.value).flatMap(({ Providers }) => Object.values(Providers).flatMap((it) => it.RpcUrls))
    const hosts = services?.location === "" ? [] : urls && [...new Set(urls.flatMap((url) => hostOf(url) ?? []))]
    const problems = [
      ...Option.isSome(member) && member.value !== noMember ? [unknownValue("member", member.value, names)] : [],
      ...Option.isSome(domain) ? [unknownValue("domain", hostName(domain.value), hosts)] : []
    ]
    for (const problem of problems) if (problem !== undefined) yield* Console.error(paint.bad(`Warning: ${problem}`))
  }).pipe(Effect.provide(Documents.layer))

/**
 * Warns on standard error when nothing was found and a filter names what the documents at `config` do not know either: a
 * name that is misspelt looks like a member without outages.
 */
export const warnOfUnknown =
  (config: string, filters: Filters) => <A, E, R>(found: Stream.Stream<A, E, R>): Stream.Stream<A, E, R> => {
    if (Option.isNone(filters.member) && Option.isNone(filters.domain)) return found
    return Stream.suspend(() => {
      let any = false
      return found.pipe(
        Stream.map((it) => {
          any = true
          return it
        }),
        Stream.concat(Stream.fromEffectDrain(Effect.suspend(() => any ? Effect.void : warn(config, filters))))
      )
    })
  }
