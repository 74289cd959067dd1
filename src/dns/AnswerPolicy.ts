import * as Redacted from "effect/Redacted"
import { randomBytes } from "node:crypto"
import type { DnsSettings } from "../domain/documents/GeoDns.ts"
import { type ClientNetwork, clientNetworks } from "./ClientNetwork.ts"
import { cookieLifetime, Cookies, cookieSecretBytes } from "./Cookies.ts"
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

const cookiesOf = (
  secret: Buffer,
  previous: { readonly secret: Buffer; readonly until: number } | undefined
): Cookies => previous === undefined ? new Cookies([secret]) : new Cookies([secret, previous.secret], previous.until)

const isSameLimits = (a: Settings["RateLimit"], b: Settings["RateLimit"]): boolean =>
  a.ResponsesPerSecond === b.ResponsesPerSecond && a.Slip === b.Slip

/**
 * Makes what gives the policy of settings, of one version of them after the other; `now` in milliseconds since the epoch.
 * After a change of the cookie secret, cookies of the one before are taken as long as the last of them holds. What has not
 * changed keeps what it knows of clients.
 */
export const makePolicies = (): (settings: Settings, now: number) => AnswerPolicy => {
  const own = randomBytes(cookieSecretBytes)
  let last: { readonly settings: Settings; readonly secret: Buffer; readonly policy: AnswerPolicy } | undefined
  /** The secret before, and until when its cookies hold, in seconds. */
  let previous: { readonly secret: Buffer; readonly until: number } | undefined

  return (settings, now) => {
    if (last?.settings === settings) return last.policy
    const secret = secretOf(settings, own)
    if (last !== undefined && !last.secret.equals(secret)) {
      previous = { secret: last.secret, until: Math.floor(now / 1000) + cookieLifetime }
    }
    const policy: AnswerPolicy = {
      limiter: last !== undefined && isSameLimits(last.settings.RateLimit, settings.RateLimit)
        ? last.policy.limiter
        : limiterOf(settings.RateLimit),
      exempt: clientNetworks(settings.RateLimit.Exempt),
      cookies: settings.Cookies ? cookiesOf(secret, previous) : undefined,
      nsid: nsidOption(settings.Nsid)
    }
    last = { settings, secret, policy }
    return policy
  }
}
