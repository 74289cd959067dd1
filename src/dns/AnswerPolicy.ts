import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { randomBytes } from "node:crypto"
import { Config } from "../config/Config.ts"
import type { DnsSettings } from "../domain/documents/GeoDns.ts"
import { type ClientNetwork, clientNetworks } from "./ClientNetwork.ts"
import { Cookies, cookieSecretBytes } from "./Cookies.ts"
import { OptionCode } from "./protocol.ts"
import { RateLimiter, seedWords } from "./RateLimiter.ts"

type Settings = typeof DnsSettings.Type

/** What a server does with answers beside finding them. Each part may be missing: it is off. */
export interface AnswerPolicy {
  readonly limiter: RateLimiter | undefined
  /** Clients that are never limited. */
  readonly exempt: ReadonlyArray<ClientNetwork>
  readonly cookies: Cookies | undefined
  /** The whole NSID option. */
  readonly nsid: Buffer | undefined
}

/** A server that only answers. */
export const noPolicy: AnswerPolicy = { limiter: undefined, exempt: [], cookies: undefined, nsid: undefined }

const nsidOption = (text: string): Buffer | undefined => {
  if (text === "") return undefined
  const option = Buffer.alloc(4 + Buffer.byteLength(text))
  option.writeUInt16BE(OptionCode.NSID, 0)
  option.writeUInt16BE(option.length - 4, 2)
  option.write(text, 4)
  return option
}

/** Numbers for {@link RateLimiter} that nobody can guess. */
const randomSeed = (): Uint32Array => {
  const bytes = randomBytes(seedWords * 4)
  return Uint32Array.from({ length: seedWords }, (_, i) => bytes.readUInt32LE(i * 4))
}

const limiterOf = ({ ResponsesPerSecond, Slip }: Settings["RateLimit"]): RateLimiter | undefined =>
  ResponsesPerSecond === 0
    ? undefined
    : new RateLimiter({ responsesPerSecond: ResponsesPerSecond, slip: Slip }, randomSeed())

const secretOf = ({ CookieSecret }: Settings, own: Buffer): Buffer =>
  CookieSecret === undefined ? own : Buffer.from(Redacted.value(CookieSecret), "hex")

/**
 * The policy of the configuration, kept up to date until the scope closes. After a change of the cookie secret, cookies
 * of the one before are still taken. What has not changed keeps what it knows of clients.
 */
export const keepPolicy: Effect.Effect<() => AnswerPolicy, never, Config | Scope.Scope> = Effect.gen(function*() {
  const config = yield* Config
  const own = randomBytes(cookieSecretBytes)
  let settings = (yield* config.current).local.GeoDNS.Dns
  let previous: Buffer | undefined

  const build = (before: AnswerPolicy | undefined, limits: boolean): AnswerPolicy => {
    const secret = secretOf(settings, own)
    return {
      limiter: limits ? limiterOf(settings.RateLimit) : before?.limiter,
      exempt: clientNetworks(settings.RateLimit.Exempt),
      cookies: settings.Cookies ? new Cookies(previous === undefined ? [secret] : [secret, previous]) : undefined,
      nsid: nsidOption(settings.Nsid)
    }
  }
  let policy = build(undefined, true)

  yield* config.changes.pipe(
    Stream.runForEach(({ after }) =>
      Effect.sync(() => {
        const before = settings
        settings = after.local.GeoDNS.Dns
        const secret = secretOf(before, own)
        if (!secret.equals(secretOf(settings, own))) previous = secret
        policy = build(policy, !Equal.equals(before.RateLimit, settings.RateLimit))
      })
    ),
    Effect.forkScoped({ startImmediately: true })
  )
  return () => policy
})
