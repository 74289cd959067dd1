import type * as Effect from "effect/Effect"
import { allowedNetworks } from "../config/outbound.ts"
import type { Snapshot } from "../config/Snapshot.ts"
import type { Local } from "../domain/documents/Local.ts"
import type { AlertStore } from "../store/AlertStore.ts"
import type { Board, Channel } from "./AlertChannel.ts"
import { alertmanagerBoard, alertmanagerNames } from "./alertmanagerBoard.ts"
import { logChannel } from "./logChannel.ts"
import { matrixChannel } from "./matrixChannel.ts"
import { makeMatrixClient } from "./MatrixClient.ts"
import { type Webhook, webhookChannel } from "./webhookChannel.ts"

/** The webhooks of a local document with what people call them, each URL once. */
export const webhooksOf = ({ GeoDNS: { Alerts: { Webhooks = [] } } }: Local): ReadonlyArray<Webhook> => [
  ...new Map(Webhooks.map(({ Name, Secret, Url }, i): [string, Webhook] => [
    Url,
    { url: Url, secret: Secret, label: Name ?? `Webhooks[${i}]` }
  ])).values()
]

/**
 * The channels that a local document names, the log among them. `current` gives the documents as they are at the moment.
 * Without a store sessions are of this process alone: `release` ends them.
 */
export const channelsOf = (
  local: Local,
  store: AlertStore["Service"] | undefined,
  current: Effect.Effect<Snapshot>
): ReadonlyArray<Channel | Board> => {
  const { GeoDNS: { Alerts, Outbound }, Matrix } = local
  const allowed = allowedNetworks(Outbound.Allow)
  const account = { homeserver: Matrix.HomeServerURL, user: Matrix.Username, password: Matrix.Password, allowed }
  const client = makeMatrixClient(account, store, "matrix")
  return [
    logChannel,
    ...Matrix.HomeServerURL === ""
      ? []
      : [matrixChannel(client, "room", current), matrixChannel(client, "internal_room", current)],
    ...webhooksOf(local).map((webhook) => webhookChannel(webhook, allowed)),
    ...Array.from(alertmanagerNames(Alerts.Alertmanager?.Urls ?? []), ([url, name]) =>
      alertmanagerBoard({
        name,
        url,
        interval: Alerts.Alertmanager?.Interval ?? 15,
        dashboard: Alerts.Dashboard,
        allowed
      }))
  ]
}
