import type * as Effect from "effect/Effect"
import { allowedNetworks } from "../config/outbound.ts"
import type { Snapshot } from "../config/Snapshot.ts"
import type { Local } from "../domain/documents/Local.ts"
import type { AlertStore } from "../store/AlertStore.ts"
import type { Board, Channel } from "./AlertChannel.ts"
import { alertmanagerBoard } from "./alertmanagerBoard.ts"
import { logChannel } from "./logChannel.ts"
import { matrixChannel } from "./matrixChannel.ts"
import { makeMatrixClient } from "./MatrixClient.ts"
import { webhookChannel } from "./webhookChannel.ts"

/** The channels that a local document names, the log among them. `current` gives the documents as they are at the moment. */
export const channelsOf = (
  local: Local,
  store: AlertStore["Service"],
  current: Effect.Effect<Snapshot>
): ReadonlyArray<Channel | Board> => {
  const { GeoDNS: { Alerts, Outbound }, Matrix } = local
  const allowed = allowedNetworks(Outbound.Allow)
  const webhooks = new Map(
    (Alerts.Webhooks ?? []).map(({ Secret, Url }) => [Url, webhookChannel({ url: Url, secret: Secret }, allowed)])
  )
  const account = { homeserver: Matrix.HomeServerURL, user: Matrix.Username, password: Matrix.Password, allowed }
  const client = makeMatrixClient(account, store, "matrix")
  return [
    logChannel,
    ...Matrix.HomeServerURL === ""
      ? []
      : [matrixChannel(client, "room", current), matrixChannel(client, "internal_room", current)],
    ...webhooks.values(),
    ...Alerts.Alertmanager === undefined ? [] : [alertmanagerBoard({
      urls: Alerts.Alertmanager.Urls,
      interval: Alerts.Alertmanager.Interval,
      dashboard: Alerts.Dashboard,
      allowed
    })]
  ]
}
