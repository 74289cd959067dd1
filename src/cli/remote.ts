import * as Cause from "effect/Cause"
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { Documents } from "../config/Documents.ts"
import { readLocal } from "../config/readDocuments.ts"
import type { Local } from "../domain/documents/Local.ts"
import { formatHost } from "../domain/ListenAddress.ts"
import { Api } from "../http/Api.ts"
import { BadRequest, Forbidden, NotFound, NotNow } from "../http/Refusal.ts"

/** A running node that is asked over HTTP. */
export interface Remote {
  /** Without a slash at the end. */
  readonly url: string
  readonly key: Option.Option<Redacted.Redacted>
}

/** It could not be asked, or said no. `message` is for an operator. */
export interface RemoteProblem {
  readonly _tag: "RemoteProblem"
  readonly message: string
  /** The node was not reached, or cannot answer now: later it may. */
  readonly transient: boolean
}

/** Where a node listens when its documents do not say otherwise. */
export const ownNode = "http://127.0.0.1:6100"

const readNode = (text: string): Option.Option<string> =>
  ["http:", "https:"].includes(URL.parse(text)?.protocol ?? "") ? Option.some(text.replace(/\/+$/, "")) : Option.none()

/** Which running node is asked. */
export const nodeFlag = Flag.String("node").pipe(
  Flag.withDescription(
    `The node to ask, by the URL of its HTTP API; GEODNS_NODE in the environment (default ${ownNode})`
  ),
  Flag.filterMap(readNode, () => `the URL of a node (write ${ownNode})`),
  Flag.optional
)

/** The file with the key. A key on the command line would stand in the list of processes. */
export const keyFileFlag = Flag.String("key-file").pipe(
  Flag.withDescription("A file with the key that the node wants; or the key itself as GEODNS_KEY in the environment"),
  Flag.optional
)

/** The flags of every command that asks a running node. */
export const remoteFlags = {
  node: nodeFlag,
  config: Flag.String("config").pipe(
    Flag.withAlias("c"),
    Flag.withDescription("Take address and key from this local document of the node"),
    Flag.optional
  ),
  keyFile: keyFileFlag
}

/** What an operator said about the node to ask. */
export interface RemoteOptions {
  readonly node: Option.Option<string>
  readonly config?: Option.Option<string>
  readonly keyFile: Option.Option<string>
}

/** For the help of every command that asks a running node. */
export const remoteHelp =
  "For a node with a certificate of a private authority set NODE_EXTRA_CA_CERTS to the file of that authority. Exit codes: 0 done, 1 not done, 2 the command is not one."

const problem = (message: string, transient = false): RemoteProblem => ({ _tag: "RemoteProblem", message, transient })

const roleApis = ["DnsApi", "MonitorApi", "CollatorApi"] as const

/** Every interface is reached by the first one. */
const reachable = (host: string): string => host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host

/** Where the node of a local document can be asked. */
const addressOf = (local: Local): string => {
  const api = [...roleApis, "MgmtApi" as const].find((api) => local[api].ListenPort !== null)
  if (api === undefined) return ownNode
  const scheme = local.GeoDNS.Http.Tls === undefined ? "http" : "https"
  return `${scheme}://${formatHost(reachable(local[api].ListenAddress))}:${local[api].ListenPort}`
}

/** A key that the node of a local document takes: one for managing, else one for reading. */
const keyOf = (local: Local): Option.Option<Redacted.Redacted> =>
  Option.fromUndefinedOr(
    (["MgmtApi", ...roleApis] as const)
      .flatMap((api) => Object.values(local[api].AuthKeys))
      .find((key) => Redacted.value(key) !== "")
  )

const readDocument = (path: string) =>
  readLocal(path).pipe(
    Effect.provide(Documents.layer),
    Effect.mapError((error) => problem(error.message))
  )

const readKey = Effect.fnUntraced(function*(path: string) {
  const files = yield* FileSystem.FileSystem
  const text = yield* files.readFileString(path).pipe(
    Effect.mapError((error) => problem(`the key cannot be read from ${path} (${error.reason._tag})`))
  )
  const key = text.trim()
  return key === "" || /\s/.test(key)
    ? yield* Effect.fail(problem(`${path} holds no key: a key is one word, on one line`))
    : Redacted.make(key)
})

const environment = {
  node: Config.String("GEODNS_NODE").pipe(Config.withDefault("")),
  key: Config.Redacted("GEODNS_KEY").pipe(Config.withDefault(Redacted.make("")))
}

/**
 * Which node to ask, and with which key: the flags before the environment, and both before the local document that
 * `--config` names.
 */
export const remote = Effect.fnUntraced(function*(options: RemoteOptions) {
  const local = options.config === undefined || Option.isNone(options.config)
    ? undefined
    : yield* readDocument(options.config.value)
  const named = yield* Effect.orDie(environment.node)
  const key = yield* Effect.orDie(environment.key)
  if (named !== "" && Option.isNone(readNode(named))) {
    return yield* Effect.fail(
      problem(`GEODNS_NODE is ${JSON.stringify(named)}: it must be the URL of a node (write ${ownNode})`)
    )
  }
  const fromLocal = local === undefined ? Option.none<string>() : Option.some(addressOf(local))
  const found: Remote = {
    url: options.node.pipe(
      // A document that was named says more than the environment, which is there all day.
      Option.orElse(() => fromLocal),
      Option.orElse(() => readNode(named)),
      Option.getOrElse(() => ownNode)
    ),
    key: Option.isSome(options.keyFile)
      ? Option.some(yield* readKey(options.keyFile.value))
      : Redacted.value(key) !== ""
      ? Option.some(key)
      : local === undefined
      ? Option.none()
      : keyOf(local)
  }
  return found
})

/** Adds the key, and what answers are asked for. */
export const withKey = ({ key }: Remote) =>
  HttpClient.mapRequest((request) => Option.isSome(key) ? HttpClientRequest.bearerToken(request, key.value) : request)

/** A client of the API of a node. */
const clientOf = (node: Remote) => HttpApiClient.make(Api, { baseUrl: node.url, transformClient: withKey(node) })
type Client = Effect.Success<ReturnType<typeof clientOf>>

const causes: ReadonlyArray<readonly [RegExp, string]> = [
  [
    /SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)/,
    "its certificate is of an authority that this machine does not know: set NODE_EXTRA_CA_CERTS to the file of that authority"
  ],
  [/CERT_HAS_EXPIRED/, "its certificate has expired"],
  [/ALTNAME_INVALID/, "its certificate is for another name: ask it by the name in the certificate"],
  [/ENOTFOUND|EAI_AGAIN/, "that name has no address"],
  [/ERR_SSL_WRONG_VERSION_NUMBER|EPROTO/, "it does not speak TLS: write http://"],
  [/UND_ERR_SOCKET|HPE_/, "it ends the connection without an answer. A node with TLS wants https://"]
]

/** The code of the system somewhere below an error of fetch. */
const codeOf = (error: unknown): string => {
  let cause: any = error
  for (let depth = 0; depth < 6 && cause !== null && typeof cause === "object"; depth++) {
    if (typeof cause.code === "string") return cause.code
    cause = cause.cause ?? cause.errors?.[0]
  }
  return ""
}

const notReached = (node: Remote, error: unknown): string => {
  const code = codeOf(error)
  const known = causes.find(([pattern]) => pattern.test(code))?.[1]
  return known === undefined
    ? `no node answers at ${node.url}: is one running there? (--node URL asks another)`
    : `${node.url} cannot be asked: ${known}`
}

const writingKey = "Writing needs one of MgmtApi.AuthKeys in its local document."

/** A refusal for an operator: what the node says, and what to do here. */
const refused = (node: Remote, status: number, said: string): string => {
  const detail = said === "" ? "" : ` (${said})`
  switch (status) {
    case 401:
      return Option.isNone(node.key)
        ? `${node.url} wants a key: set GEODNS_KEY, or give --key-file FILE, or --config FILE with its local document. ${writingKey}`
        : `${node.url} does not know this key${detail}. ${writingKey}`
    case 403:
      return `${node.url} does not allow that: ${said === "" ? "this key may not do it" : said}`
    case 404:
      return /Nothing is served/.test(said)
        ? `${node.url}: ${said}: it has another role, or an older version`
        : said === ""
        ? `${node.url} is no node of ours, or an older one (404)`
        : said
    case 429:
      return `${node.url} is asked too often; try again in a while${detail}`
    default:
      return said === "" ? `${node.url} did not answer as a node does (status ${status})` : said
  }
}

const asError = (body: unknown): string =>
  typeof body === "object" && body !== null && "error" in body && typeof body.error === "string" ? body.error : ""

/** What went wrong with a question, for an operator. */
export const explainFailure = Effect.fnUntraced(function*(node: Remote, error: unknown) {
  if (error instanceof BadRequest || error instanceof NotFound) return problem(error.error)
  if (error instanceof Forbidden) return problem(refused(node, 403, error.error))
  if (error instanceof NotNow) return problem(error.error, true)
  if (Cause.isTimeoutError(error)) return problem(`${node.url} did not answer within 10 s`, true)
  if (!HttpClientError.isHttpClientError(error)) {
    return problem(`${node.url} did not answer as a node of this version does`)
  }
  const { response } = error
  if (response === undefined) return problem(notReached(node, error), true)
  const said = response.status < 300 ? "" : asError(yield* Effect.orElseSucceed(response.json, () => undefined))
  return problem(refused(node, response.status, said), response.status >= 500 || response.status === 429)
})

/** Asks a node. It has 10 seconds. */
export const askRemote = <A, E, R>(
  node: Remote,
  question: (client: Client) => Effect.Effect<A, E, R>
): Effect.Effect<A, RemoteProblem, R> =>
  Effect.flatMap(clientOf(node), question).pipe(
    Effect.timeout("10 seconds"),
    Effect.catch((error) => Effect.flatMap(explainFailure(node, error), Effect.fail)),
    Effect.provide(FetchHttpClient.layer)
  ) as Effect.Effect<A, RemoteProblem, R>
