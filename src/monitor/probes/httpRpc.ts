import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { Agent } from "node:http"
import type { Socket } from "node:net"
import { type Answer, askHttp, type NoAnswer } from "./askHttp.ts"
import { type Trouble, trouble } from "./dial.ts"
import { maxAnswer, readMessage, requestText, type RpcAnswer } from "./JsonRpc.ts"
import { answered, type Call } from "./webSocketRpc.ts"

/** What an answer over HTTP says. */
const read = ({ body, status }: Answer, id: number): RpcAnswer => {
  const message = readMessage(body)
  if (message !== undefined && message !== "other" && message.id === id) return message.answer
  const reason = status >= 200 && status < 300 ? "an answer is no JSON-RPC, or to another question" : `status ${status}`
  return { _tag: "Lost", trouble: trouble(reason) }
}

/**
 * JSON-RPC over HTTP, one call after the other, over one connection as long as the other side keeps it. A call never fails:
 * what went wrong is its answer. `dial` opens a connection that lives as long as the scope.
 */
export const openHttpRpc = Effect.fnUntraced(function*(
  dial: Effect.Effect<Socket, Trouble, Scope.Scope>,
  url: URL
): Effect.fn.Return<Call, Trouble, Scope.Scope> {
  const scope = yield* Effect.scope
  const dialed = Effect.provideService(dial, Scope.Scope, scope)
  let socket = yield* dialed
  const agent = yield* Effect.acquireRelease(
    Effect.sync(() => new Agent({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 })),
    (agent) => Effect.sync(() => agent.destroy())
  )
  agent.createConnection = () => socket
  let isKept = true
  let hasServed = false
  let last = 0

  const ask = (id: number, method: string, params: ReadonlyArray<unknown>) =>
    askHttp(agent, url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: requestText(id, method, params),
      limit: maxAnswer,
      keepBody: true
    })

  return (method, params, within) => {
    const id = ++last
    const redial = Effect.map(dialed, (fresh) => {
      socket = fresh
      hasServed = false
    })
    const again = Effect.andThen(redial, ask(id, method, params))
    const asked = Effect.suspend((): Effect.Effect<Answer, Trouble | NoAnswer> =>
      isKept && !socket.destroyed ? ask(id, method, params) : again
    ).pipe(
      Effect.catch((problem) =>
        hasServed && "wasClosed" in problem && problem.wasClosed ? again : Effect.fail(problem)
      ),
      Effect.match({
        onSuccess: (answer): RpcAnswer => {
          isKept = answer.isKept
          hasServed = true
          return read(answer, id)
        },
        onFailure: ({ error, up }): RpcAnswer => ({ _tag: "Lost", trouble: { error, up } })
      })
    )
    return answered(method, params, asked, within)
  }
})
