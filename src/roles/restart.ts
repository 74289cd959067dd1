import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Config } from "../config/Config.ts"
import type { Local } from "../domain/documents/Local.ts"
import { Conditions } from "../node/Conditions.ts"

/** The settings of a local document that are read at start and never again, by their paths. */
const readAtStart = (local: Local): Readonly<Record<string, unknown>> => {
  const { GeoDNS, Matrix, Maxmind, Mysql, Nats, System } = local
  return {
    "System.WorkDir": System.WorkDir,
    "System.LogLevel": System.LogLevel,
    "Nats": Nats,
    "Mysql": Mysql,
    "Matrix": Matrix,
    "Maxmind.MaxmindDBPath": Maxmind.MaxmindDBPath,
    "GeoDNS.Consensus.Mode": GeoDNS.Consensus.Mode,
    "GeoDNS.Consensus.KeyFile": GeoDNS.Consensus.KeyFile,
    "GeoDNS.Consensus.OperatorKey": GeoDNS.Consensus.OperatorKey,
    "GeoDNS.Consensus.Electorate": GeoDNS.Consensus.Electorate,
    "GeoDNS.Consensus.Shadow": GeoDNS.Consensus.Shadow,
    "GeoDNS.Nats": GeoDNS.Nats,
    "GeoDNS.Alerts.Alertmanager": GeoDNS.Alerts.Alertmanager,
    "GeoDNS.Alerts.Webhooks": GeoDNS.Alerts.Webhooks,
    "GeoDNS.Alerts.Dashboard": GeoDNS.Alerts.Dashboard,
    "GeoDNS.Outbound": GeoDNS.Outbound,
    "GeoDNS.Store": GeoDNS.Store,
    "GeoDNS.Dns.Listen": GeoDNS.Dns.Listen,
    "GeoDNS.Dns.Tcp": GeoDNS.Dns.Tcp,
    "GeoDNS.Dns.PowerDnsSocket": GeoDNS.Dns.PowerDnsSocket,
    "GeoDNS.Dns.PowerDnsHttp": GeoDNS.Dns.PowerDnsHttp,
    "GeoDNS.Dns.Keys": GeoDNS.Dns.Keys
  }
}

/** The settings that differ from those of the start, and take effect only after the next one. */
export const waitingForRestart = (atStart: Local, now: Local): ReadonlyArray<string> => {
  const before = readAtStart(atStart)
  return Object.entries(readAtStart(now)).flatMap(([path, value]) => Equal.equals(before[path], value) ? [] : [path])
}

/** The condition `config:restart` while settings wait for a restart. */
export const restartNotice = Layer.effectDiscard(Effect.gen(function*() {
  const config = yield* Config
  const conditions = yield* Conditions
  const { local: atStart } = yield* config.current
  yield* config.changes.pipe(
    Stream.runForEach(({ after }) => {
      const waiting = waitingForRestart(atStart, after.local)
      return waiting.length === 0
        ? conditions.clear("config:restart")
        : conditions.raise("config:restart", `changed, but in use only after a restart: ${waiting.join(", ")}`)
    }),
    Effect.forkScoped({ startImmediately: true })
  )
}))
