import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { connect, type Socket } from "node:net"
import { MemberServers } from "../../src/demo/MemberServers.ts"
import { natsServer } from "../servers/NatsServer.ts"
import { describeWith, nats } from "../servers/Server.ts"
import { lines } from "./geodns.ts"
import { makeNetwork, managementKey, type Node, type Role, waitForStatus } from "./network.ts"

/** A client that has said how long its body will be, and keeps the end of it for itself. */
const halfSentPost = ({ url }: Node) =>
  Effect.acquireRelease(
    Effect.callback<Socket>((resume) => {
      const { hostname, port } = new URL(url)
      const socket = connect(Number(port), hostname, () => {
        socket.write(
          `POST /api/overrides HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-type: application/json\r\n`
            + `authorization: Bearer ${managementKey}\r\ncontent-length: 1000\r\n\r\n{"member": "`,
          () => resume(Effect.succeed(socket))
        )
      }).on("error", () => undefined)
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

const roleNames = { monitor: "IBPMonitor", dns: "IBPDns", collator: "IBPCollator" }

const makeOne = Effect.fnUntraced(function*(role: Role) {
  const broker = yield* natsServer()
  const members = yield* MemberServers
  const [node] = yield* makeNetwork({
    nats: broker.url,
    memberPort: members.port,
    nodes: { [`${role}-1`]: role },
    change: (local) => {
      local.System.LogLevel = "info"
    }
  })
  const running = yield* node!.start
  yield* waitForStatus(node!, "is connected", ({ conditions }) => conditions.items.every(({ name }) => name !== "bus"))
  return { broker, node: node!, running }
})

describeWith(nats, "the end of a process", () => {
  it.live.each(["monitor", "dns", "collator"] as const)(
    "comes within 10 s of SIGTERM, also with half a request and a frozen broker: %s",
    (role) =>
      Effect.gen(function*() {
        const { broker, node, running } = yield* makeOne(role)
        yield* halfSentPost(node)
        yield* halfSentPost(node)
        broker.pause()
        const before = process.hrtime.bigint()
        yield* running.kill("SIGTERM")
        const { code, stderr } = yield* running.ended
        const seconds = Number(process.hrtime.bigint() - before) / 1e9
        assert.strictEqual(code, 0, stderr)
        assert.isBelow(seconds, 10)
        assert.notInclude(stderr, "still not stopped")
        // Logs of many nodes come together in one place: every line says whose it is.
        const log = lines(stderr).map((line) => JSON.parse(line))
        assert.isNotEmpty(log)
        for (const { annotations, message } of log) {
          assert.deepInclude(annotations, { node: node.id, role: roleNames[role] }, message)
        }
      }).pipe(Effect.scoped, Effect.provide(MemberServers.layer)),
    120_000
  )

  it.live("comes at once with a second signal, a second or more later", () =>
    Effect.gen(function*() {
      const { broker, node, running } = yield* makeOne("dns")
      yield* halfSentPost(node)
      broker.pause()
      yield* running.kill("SIGTERM")
      // It gives the request its time: 3 seconds.
      yield* Effect.sleep("1200 millis")
      const before = process.hrtime.bigint()
      yield* running.kill("SIGTERM")
      const { code, signal } = yield* running.ended
      assert.strictEqual(code, 143, String(signal))
      assert.isBelow(Number(process.hrtime.bigint() - before) / 1e9, 1)
    }).pipe(Effect.scoped, Effect.provide(MemberServers.layer)), 120_000)
})
