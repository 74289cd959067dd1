import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { clientOf, TcpConnections } from "../../src/dns/TcpConnections.ts"

class Connection {
  readonly id: number
  isOpen = true

  constructor(id: number) {
    this.id = id
  }

  destroy(): void {
    this.isOpen = false
  }
}

describe("TcpConnections", () => {
  it("keeps its bounds, and lets go who has been idle for longest", () => {
    const step = fc.oneof(
      fc.record({ does: fc.constant("add" as const), client: fc.constantFrom("a", "b", "c", "d"), which: fc.nat() }),
      fc.record({ does: fc.constantFrom("touch", "remove"), client: fc.constant(""), which: fc.nat() })
    )
    const bounds = fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 4 }))
    fc.assert(fc.property(bounds, fc.array(step, { maxLength: 60, size: "max" }), ([limit, perClient], steps) => {
      const connections = new TcpConnections<Connection>(limit, perClient)
      // The first has been idle for longest.
      let model: Array<{ readonly connection: Connection; readonly client: string }> = []
      steps.forEach(({ client, does, which }, id) => {
        const chosen = model[which % Math.max(1, model.length)]
        if (does === "add") {
          const own = model.filter((each) => each.client === client)
          const leaves = own.length >= perClient ? own[0] : model.length >= limit ? model[0] : undefined
          const connection = new Connection(id)
          assert.strictEqual(connections.add(connection, client), leaves?.connection)
          if (leaves !== undefined) assert.isFalse(leaves.connection.isOpen)
          model = [...model.filter((each) => each !== leaves), { connection, client }]
        } else if (chosen !== undefined) {
          model = model.filter((each) => each !== chosen)
          if (does === "touch") model.push(chosen)
          if (does === "touch") connections.touch(chosen.connection)
          else connections.remove(chosen.connection)
        }
        assert.deepStrictEqual([...connections], model.map(({ connection }) => connection))
        assert.isTrue(model.every(({ connection }) => connection.isOpen))
        assert.isAtMost(connections.size, limit)
      })
    }))
  })

  it("takes no notice of connections that have gone", () => {
    const connections = new TcpConnections<Connection>(1, 1)
    const gone = new Connection(1)
    connections.add(gone, "a")
    connections.remove(gone)
    connections.touch(gone)
    connections.remove(gone)
    assert.strictEqual(connections.size, 0)
    assert.isUndefined(connections.add(new Connection(2), "a"))
  })
})

describe("clientOf", () => {
  it("is an IPv4 address, or an IPv6 /56", () => {
    assert.notStrictEqual(clientOf("192.0.2.1"), clientOf("192.0.2.2"))
    assert.strictEqual(clientOf("192.0.2.1"), clientOf("::ffff:192.0.2.1"))
    assert.strictEqual(clientOf("2001:db8:0:100::1"), clientOf("2001:db8:0:1ff::2"))
    assert.notStrictEqual(clientOf("2001:db8:0:100::1"), clientOf("2001:db8:0:200::1"))
    assert.strictEqual(clientOf(""), "")
  })
})
