import * as Effect from "effect/Effect"
import { Bus } from "../bus/Bus.ts"
import { Config } from "../config/Config.ts"
import { formatListenAddress } from "../domain/ListenAddress.ts"
import { apiAddresses, type Apis } from "../roles/apis.ts"
import { Place } from "../roles/Place.ts"

/** Where the status page of a node with these APIs is, for the lines that it prints at its start. */
export const statusPages = (apis: Apis): Effect.Effect<string, never, Config | Place> =>
  Effect.gen(function*() {
    const { local } = yield* Config.use((config) => config.current)
    const { file } = yield* Place
    return apiAddresses(local, apis, file).map((api) => {
      const scheme = api.tls === undefined ? "http" : "https"
      return api.port === 0
        ? `${scheme} on ${api.host}, a port that the system chose`
        : `${scheme}://${formatListenAddress(api)}/`
    }).join("\n          ")
  })

/** How a node stands with its broker. Where that is is not said: the URL may hold a password. */
export const brokerLine: Effect.Effect<string, never, Bus | Config> = Effect.gen(function*() {
  const bus = yield* Bus
  const { local } = yield* Config.use((config) => config.current)
  const problem = yield* bus.problem
  return [
    problem === undefined ? "connected" : `not connected, and tries for ever: ${problem}`,
    ...local.GeoDNS.Consensus.Shadow ? ["shadow mode: takes part in nothing"] : []
  ].join("; ")
})
