import * as Effect from "effect/Effect"
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { Conditions } from "../node/Conditions.ts"

const name = "dns:rate-limit"

/** Seconds without a limited answer after which it is over: attacks come and go. */
const quietFor = 60

/** The network that answers to a client are counted with. */
const networkOf = (client: string): string =>
  Result.match(
    Result.flatMap(
      // A socket for both families writes IPv4 as `::ffff:192.0.2.1`.
      NetAddress.ipFromString(client.replace(/^::ffff:(?=\d+\.)/, "")),
      (address) => IpNetwork.fromAddress(address, NetAddress.isIpv4Address(address) ? 24 : 56)
    ),
    { onFailure: () => client, onSuccess: IpNetwork.format }
  )

/**
 * The condition `dns:rate-limit` while answers are limited, and for a minute after; one line in the log for each time.
 * `takeLimited` says to whom since it was asked last.
 */
export const limitNotice = (
  takeLimited: () => string | undefined
): Effect.Effect<void, never, Conditions | Scope.Scope> =>
  Effect.gen(function*() {
    const conditions = yield* Conditions
    let quiet = quietFor
    const look = Effect.suspend(() => {
      const client = takeLimited()
      const wasRaised = quiet < quietFor
      quiet = client === undefined ? quiet + 1 : 0
      if (client !== undefined && !wasRaised) {
        return conditions.raise(
          name,
          "answers over UDP are limited: a network asks for more than GeoDNS.Dns.RateLimit allows, or somebody asks in " +
            "its name. Real clients come over TCP. The log names one such network; if it is a resolver of many, list it " +
            "under GeoDNS.Dns.RateLimit.Exempt."
        ).pipe(Effect.annotateLogs({ network: networkOf(client) }))
      }
      return wasRaised && quiet >= quietFor ? conditions.clear(name) : Effect.void
    })
    yield* look.pipe(Effect.delay("1 second"), Effect.forever, Effect.forkScoped)
  })
