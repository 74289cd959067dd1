import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { isIPv4, isIPv6 } from "node:net"

/** An IPv4 address, or `""` for none. */
export const Ipv4Text = Schema.String.check(
  Schema.makeFilter<string>((s) => s === "" || isIPv4(s), { expected: 'an IPv4 address or ""' })
).pipe(Schema.withDecodingDefaultKey(Effect.succeed("")))

/** An IPv6 address without a zone, or `""` for none. */
export const Ipv6Text = Schema.String.check(
  Schema.makeFilter<string>((s) => s === "" || (isIPv6(s) && !s.includes("%")), { expected: 'an IPv6 address or ""' })
).pipe(Schema.withDecodingDefaultKey(Effect.succeed("")))
