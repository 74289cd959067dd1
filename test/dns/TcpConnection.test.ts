import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import type { Socket } from "node:net"
import { tcpBounds, TcpConnection } from "../../src/dns/TcpConnection.ts"
import { ask } from "./packets.ts"
import { SlowClient, turn } from "./slowClient.ts"

const framed = (packet: Buffer): Buffer =>
  Buffer.concat([Buffer.from([packet.length >> 8, packet.length & 255]), packet])

describe("TcpConnection", () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it("is not kept alive by bytes that trickle, only by whole messages", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    const client = new SlowClient()
    let answered = 0
    new TcpConnection(
      client as unknown as Socket,
      () => {
        answered++
        return Buffer.alloc(1)
      },
      { ...tcpBounds, idle: 1_000 }
    )
    const question = framed(ask("demo.example", "A"))
    /** Sends a byte every 300 ms; gives after how many the client was let go. */
    const drip = async (bytes: Buffer) => {
      for (let sent = 1; sent <= bytes.length; sent++) {
        client.push(bytes.subarray(sent - 1, sent))
        await turn()
        vi.advanceTimersByTime(300)
        if (client.destroyed) return sent
      }
      return undefined
    }
    client.push(question.subarray(0, -2))
    await turn()
    assert.isUndefined(await drip(question.subarray(-2)))
    assert.strictEqual(answered, 1)
    // The message was whole 300 ms ago.
    assert.strictEqual(await drip(question), 3)
    assert.strictEqual(answered, 1)
  })

  it("reads on only when the client takes the answers", async () => {
    const client = new SlowClient()
    let answered = 0
    const connection = new TcpConnection(
      client as unknown as Socket,
      () => {
        answered++
        return Buffer.alloc(100)
      },
      tcpBounds
    )
    const questions = Buffer.concat(Array.from({ length: 50 }, (_, id) => framed(ask("demo.example", "A", { id }))))
    client.push(questions)
    await turn()
    await turn()
    assert.isAtMost(answered, 2)
    assert.isTrue(client.isPaused())
    for (let i = 0; i < 200; i++) {
      client.accept()
      await turn()
    }
    assert.strictEqual(answered, 50)
    assert.isFalse(client.isPaused())
    assert.strictEqual(Buffer.concat(client.taken).length, 50 * 102)
    connection.end()
    client.destroy()
  })

  it("gives a client its whole time again once it has taken an answer", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    const client = new SlowClient()
    new TcpConnection(client as unknown as Socket, () => Buffer.alloc(1_000), { ...tcpBounds, idle: 1_000 })
    client.push(framed(ask("demo.example", "A")))
    await turn()
    vi.advanceTimersByTime(900)
    await client.acceptAll()
    assert.strictEqual(Buffer.concat(client.taken).length, 1_002)
    vi.advanceTimersByTime(900)
    assert.isFalse(client.destroyed)
    vi.advanceTimersByTime(200)
    assert.isTrue(client.destroyed)
  })

  it("lets a client go that never says anything", () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    const client = new SlowClient()
    new TcpConnection(client as unknown as Socket, () => undefined, { ...tcpBounds, idle: 1_000 })
    vi.advanceTimersByTime(999)
    assert.isFalse(client.destroyed)
    vi.advanceTimersByTime(1)
    assert.isTrue(client.destroyed)
  })

  it("lets a client go that does not take its answer", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    const client = new SlowClient()
    new TcpConnection(client as unknown as Socket, () => Buffer.alloc(1_000), { ...tcpBounds, idle: 1_000 })
    client.push(framed(ask("demo.example", "A")))
    await turn()
    // What it sends meanwhile is not read, and does not count.
    client.push(framed(ask("demo.example", "A")))
    await turn()
    vi.advanceTimersByTime(999)
    assert.isFalse(client.destroyed)
    vi.advanceTimersByTime(1)
    assert.isTrue(client.destroyed)
  })

  it("answers what was asked before something that is no question, and ends", async () => {
    for (const wrong of [Buffer.alloc(5), Buffer.concat([Buffer.from([0, 1, 0x80, 0]), Buffer.alloc(12)])]) {
      const client = new SlowClient()
      new TcpConnection(
        client as unknown as Socket,
        (message) => (message[2]! & 0x80) === 0 ? Buffer.from("answer") : undefined,
        tcpBounds
      )
      const question = framed(ask("demo.example", "A"))
      client.push(Buffer.concat([question, question, framed(wrong), question]))
      for (let i = 0; i < 20; i++) {
        await turn()
        client.accept()
      }
      const sent = Buffer.concat(client.taken).toString("latin1")
      assert.strictEqual(sent.split("answer").length - 1, 2)
      assert.isTrue(client.writableEnded)
    }
  })

  it("gives others a turn between batches, and ends when all is answered", async () => {
    const client = new SlowClient()
    let answered = 0
    const connection = new TcpConnection(
      client as unknown as Socket,
      () => {
        answered++
        return Buffer.alloc(1)
      },
      { ...tcpBounds, batch: 3 }
    )
    client.push(Buffer.concat(Array.from({ length: 10 }, (_, id) => framed(ask("demo.example", "A", { id })))))
    await turn()
    assert.isBelow(answered, 10)
    connection.end()
    while (!client.writableFinished) {
      client.accept()
      await turn()
    }
    assert.strictEqual(answered, 10)
    client.destroy()
  })
})
