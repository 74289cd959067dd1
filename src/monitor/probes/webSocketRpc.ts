import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { Socket } from "node:net"
import { WebSocket } from "ws"
import { step } from "../ProbeTrace.ts"
import { type Trouble, trouble, troubleOf } from "./dial.ts"
import { boundEarly, Flood } from "./Flood.ts"
import { answerTrouble, maxAnswer, readMessage, requestText, type RpcAnswer } from "./JsonRpc.ts"

/** Asks something and waits for the answer with the same number, at most so many milliseconds. */
export type Call = (method: string, params: ReadonlyArray<unknown>, within: number) => Effect.Effect<RpcAnswer>

/** Bytes that may come over one connection, however they are packed. */
const maxBytes = 16 * maxAnswer

/** Messages, pings and pongs that may come over one connection: each costs time, however small it is. */
const maxEvents = 256

const noWebSocket = "the member speaks no WebSocket"

/** An error of a WebSocket in words that stay the same. Those of the protocol have no code or one of the package. */
const socketTrouble = (error: NodeJS.ErrnoException): Trouble => {
  if (error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") {
    return trouble(`a message is longer than ${maxAnswer} bytes`)
  }
  if (error.code === undefined) return trouble(noWebSocket)
  return error.code.startsWith("WS_ERR_") ? trouble("the member breaks the WebSocket protocol") : troubleOf(error)
}

const connect = (socket: Socket, url: URL): Effect.Effect<WebSocket, Trouble, Scope.Scope> =>
  Effect.flatMap(
    Effect.acquireRelease(
      Effect.sync(() => {
        const line = new WebSocket(`ws://${url.host}${url.pathname}${url.search}`, {
          createConnection: () => socket,
          followRedirects: false,
          perMessageDeflate: false,
          // A flood of pings is not answered with a flood
          autoPong: false,
          maxPayload: maxAnswer,
          maxFragments: maxEvents,
          finishRequest: (request) => boundEarly(request).end(),
          headers: { "user-agent": "effect-geodns" }
        })
        // A late error is nobody's defect
        return line.on("error", () => undefined)
      }),
      (line) =>
        Effect.sync(() => {
          line.terminate()
          socket.destroy()
        })
    ),
    (line) =>
      Effect.callback<WebSocket, Trouble>((resume) => {
        line.on("open", () => resume(Effect.succeed(line)))
        line.on(
          "unexpected-response",
          (_, response) => resume(Effect.fail(trouble(`status ${response.statusCode} instead of a WebSocket`)))
        )
        line.on("error", (error) => resume(Effect.fail(socketTrouble(error))))
      })
  )

/**
 * JSON-RPC over a WebSocket on a socket that is there (with TLS, if it is to be with TLS). A call never fails: what went
 * wrong is its answer. Several may be under way. The connection is closed with the scope.
 */
export const openWebSocketRpc = Effect.fnUntraced(function*(
  socket: Socket,
  url: URL
): Effect.fn.Return<Call, Trouble, Scope.Scope> {
  const line = yield* step("WebSocket", connect(socket, url))
  const waiting = new Map<number, (answer: RpcAnswer) => void>()
  let last = 0
  let lost: RpcAnswer | undefined

  const lose = (reason: Trouble): void => {
    lost ??= { _tag: "Lost", trouble: reason }
    for (const [id, tell] of waiting) {
      waiting.delete(id)
      tell(lost)
    }
    line.terminate()
  }
  let events = 0
  /** Takes one of what comes; no, when it was one too many. */
  const take = (): boolean => {
    if (lost === undefined && ++events > maxEvents) lose(troubleOf(new Flood()))
    return lost === undefined
  }
  const before = socket.bytesRead
  socket.on("data", () => {
    if (socket.bytesRead - before > maxBytes) lose(troubleOf(new Flood()))
  })
  line.on("error", (error) => lose(socketTrouble(error)))
  line.on("close", () => lose(trouble("connection closed by the member")))
  line.on("ping", take).on("pong", take)
  line.on("message", (data) => {
    if (!take()) return
    const message = readMessage(String(data))
    if (message === undefined) lose(trouble("an answer is no JSON-RPC"))
    else if (message !== "other") {
      waiting.get(message.id)?.(message.answer)
      waiting.delete(message.id)
    }
  })

  return (method, params, within) => {
    const id = ++last
    const asked = Effect.callback<RpcAnswer>((resume) => {
      if (lost !== undefined) return resume(Effect.succeed(lost))
      waiting.set(id, (answer) => resume(Effect.succeed(answer)))
      line.send(requestText(id, method, params), (error) => error && lose(socketTrouble(error)))
      return Effect.sync(() => void waiting.delete(id))
    })
    return answered(method, params, asked, within)
  }
})

/** A parameter for people: hashes and storage keys only by their beginning. */
const paramText = (param: unknown): string =>
  typeof param === "string" && param.length > 16 ? `${param.slice(0, 12)}…` : JSON.stringify(param)

/** `chain_getBlockHash(1)`. */
const callText = (method: string, params: ReadonlyArray<unknown>): string =>
  `${method}(${params.map(paramText).join(", ")})`

/** Waits for the answer to a call, and shows it to whoever traces. */
export const answered = (
  method: string,
  params: ReadonlyArray<unknown>,
  asked: Effect.Effect<RpcAnswer>,
  within: number
): Effect.Effect<RpcAnswer> =>
  step(
    () => callText(method, params),
    Effect.flatMap(Effect.timeoutOption(asked, within), (answer): Effect.Effect<RpcAnswer, RpcFailure> => {
      const known: RpcAnswer = Option.getOrElse(answer, () => ({ _tag: "Silent" }) as const)
      const problem = answerTrouble(method, known)
      return problem === undefined ? Effect.succeed(known) : Effect.fail({ answer: known, error: problem.error })
    })
  ).pipe(Effect.catch(({ answer }) => Effect.succeed(answer)))

/** An answer that is none, as a trace sees it. */
interface RpcFailure {
  readonly answer: RpcAnswer
  readonly error: string
}
