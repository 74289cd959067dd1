import { afterEach, assert, beforeEach, describe, it, vi } from "@effect/vitest"
import type { Socket } from "node:net"
import { pdnsBounds } from "../../../src/dns/pdns/bounds.ts"
import { LineConnection } from "../../../src/dns/pdns/LineConnection.ts"
import { SlowClient, turn } from "../slowClient.ts"

const transfer = 1_000

/** A connection whose answers have a length, the requests that it handled, and why it was dropped. */
const connected = (answerLength: number) => {
  const client = new SlowClient()
  const seen = { handled: 0, dropped: [] as Array<string> }
  const handle = () => {
    seen.handled++
    return "x".repeat(answerLength)
  }
  const connection = new LineConnection(
    client as unknown as Socket,
    handle,
    { ...pdnsBounds, transfer, requestBytes: 100 },
    (reason) => seen.dropped.push(reason)
  )
  return { client, connection, seen }
}

describe("LineConnection", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  it("rests as long as it likes before, between and after requests", async () => {
    const { client, seen } = connected(10)
    vi.advanceTimersByTime(1_000 * transfer)
    for (let asked = 1; asked <= 2; asked++) {
      client.push("request\n")
      await client.acceptAll()
      assert.strictEqual(seen.handled, asked)
      vi.advanceTimersByTime(1_000 * transfer)
      assert.isFalse(client.destroyed)
    }
    assert.deepStrictEqual(seen.dropped, [])
    assert.strictEqual(vi.getTimerCount(), 0)
  })

  it("has its time for a request that has begun", async () => {
    const { client, seen } = connected(10)
    client.push("requ")
    await turn()
    vi.advanceTimersByTime(transfer - 1)
    client.push("es")
    await turn()
    assert.isFalse(client.destroyed)
    vi.advanceTimersByTime(1)
    assert.isTrue(client.destroyed)
    assert.deepStrictEqual(seen, { handled: 0, dropped: ["slow"] })
  })

  it("has its time for an answer that is not taken, and reads no further meanwhile", async () => {
    const { client, seen } = connected(1_000)
    client.push("one\n")
    await turn()
    assert.isTrue(client.isPaused())
    client.push("two\nthree\n")
    await turn()
    assert.strictEqual(seen.handled, 1)
    vi.advanceTimersByTime(transfer - 1)
    assert.isFalse(client.destroyed)
    vi.advanceTimersByTime(1)
    assert.isTrue(client.destroyed)
    assert.deepStrictEqual(seen, { handled: 1, dropped: ["slow"] })
  })

  it("goes on, and rests again, when slow answers are taken in time", async () => {
    const { client, seen } = connected(1_000)
    client.push("one\ntwo\nthree\n")
    for (let answered = 1; answered <= 3; answered++) {
      await turn()
      assert.strictEqual(seen.handled, answered)
      vi.advanceTimersByTime(transfer - 1)
      client.accept()
    }
    await turn()
    assert.isFalse(client.isPaused())
    vi.advanceTimersByTime(1_000 * transfer)
    assert.isFalse(client.destroyed)
    assert.deepStrictEqual(seen.dropped, [])
  })

  it("ends after a line that is too long, even if its last word is not taken", async () => {
    const { client, seen } = connected(10)
    client.push(`one\n${"x".repeat(101)}`)
    await turn()
    assert.deepStrictEqual(seen, { handled: 1, dropped: ["length"] })
    vi.advanceTimersByTime(transfer)
    assert.isTrue(client.destroyed)
    assert.deepStrictEqual(seen.dropped, ["length", "slow"])
  })

  it("answers what it has read before it ends, and waits no longer than that for a client that takes nothing", async () => {
    const { client, connection, seen } = connected(1_000)
    client.push("one\ntwo\n")
    await turn()
    connection.end()
    client.accept()
    await client.acceptAll()
    assert.strictEqual(seen.handled, 2)
    assert.isTrue(client.writableFinished)
    client.push(null)
    const deaf = connected(10)
    deaf.client.push("one\n")
    await turn()
    deaf.connection.end()
    vi.advanceTimersByTime(transfer)
    assert.isTrue(deaf.client.destroyed)
  })
})
