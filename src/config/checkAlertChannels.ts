import * as Redacted from "effect/Redacted"
import { type KnownDocuments, type Warn } from "./crossCheck.ts"
import { formatFound } from "./Problem.ts"

type Alerts = NonNullable<KnownDocuments["local"]>["GeoDNS"]["Alerts"]

const isWeb = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)

/** What is given more than once, each further one with the place of the first. */
const repeated = (texts: ReadonlyArray<string | undefined>): ReadonlyArray<readonly [at: number, first: number]> =>
  texts.flatMap((text, i) => {
    const first = texts.indexOf(text)
    return text === undefined || first === i ? [] : [[i, first] as const]
  })

const checkMatrix = ({ AlertsConfig: alerts, local }: KnownDocuments, warn: Warn): void => {
  const { HomeServerURL, Password, RoomID, Username } = local!.Matrix
  if (HomeServerURL === "") return
  const noLogin = "the home server takes no login without it: no alert arrives by Matrix"
  if (Username === "") warn("local", ["Matrix", "Username"], "the account that writes the alerts", "nothing", noLogin)
  if (Redacted.value(Password) === "") {
    warn("local", ["Matrix", "Password"], "the password of the account", "nothing", noLogin)
  }
  const isUnread = local!.System.ConfigUrls.AlertsConfig !== "" && alerts === undefined
  if (RoomID === "" && !isUnread && (alerts?.matrix.room ?? "") === "") {
    warn(
      "local",
      ["Matrix", "RoomID"],
      "a room here, or matrix.room in the alerts document",
      "neither",
      "give one of them, or no HomeServerURL: alerts by Matrix have nowhere to go"
    )
  }
}

const checkWebhooks = ({ Webhooks = [] }: Alerts, warn: Warn): void => {
  for (const [i, { Secret }] of Webhooks.entries()) {
    if (Redacted.value(Secret) !== "") continue
    warn(
      "local",
      ["GeoDNS", "Alerts", "Webhooks", i, "Secret"],
      "a secret that signs the calls",
      "nothing",
      "give one, and let the receiver check it: it cannot tell our calls from those of others"
    )
  }
  for (const [i, first] of repeated(Webhooks.map(({ Url }) => Url))) {
    const path = ["GeoDNS", "Alerts", "Webhooks", i, "Url"]
    warn("local", path, "a URL that no other webhook has", `that of Webhooks[${first}]`, "it is called once")
  }
  for (const [i, first] of repeated(Webhooks.map(({ Name }) => Name))) {
    const path = ["GeoDNS", "Alerts", "Webhooks", i, "Name"]
    warn("local", path, "a name that no other webhook has", `that of Webhooks[${first}]`)
  }
}

/** Channels by which nobody is told, or not as it is meant. */
export const checkAlertChannels = (documents: KnownDocuments, warn: Warn): void => {
  if (documents.local === undefined) return
  checkMatrix(documents, warn)
  const { Alerts } = documents.local.GeoDNS
  checkWebhooks(Alerts, warn)
  if (Alerts.Dashboard !== "" && !isWeb(Alerts.Dashboard)) {
    warn(
      "local",
      ["GeoDNS", "Alerts", "Dashboard"],
      "an http or https URL, or nothing",
      formatFound(Alerts.Dashboard),
      "nobody can follow it from an alert"
    )
  }
}
