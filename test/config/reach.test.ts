import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { LookupAddress } from "node:dns"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { vi } from "vitest"
import { Documents } from "../../src/config/Documents.ts"
import { allowedNetworks } from "../../src/config/outbound.ts"

/** What the DNS says of a name: one answer after the other, the last for ever. */
const named = new Map<string, Array<ReadonlyArray<string>>>()

vi.mock("node:dns", async (original) => {
  const dns = await original<typeof import("node:dns")>()
  const lookup = (
    name: string,
    options: object,
    done: (error: Error | null, found: ReadonlyArray<LookupAddress>) => void
  ) => {
    const answers = named.get(name)
    if (answers === undefined) return dns.lookup(name, { ...options, all: true }, done)
    const now = answers.length > 1 ? answers.shift()! : answers[0]!
    done(null, now.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })))
  }
  return { ...dns, lookup }
})

/** One server per address, on one port, that says who it is, and who was asked. */
const serve = (...addresses: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const asked: Array<string> = []
    let port = 0
    for (const address of addresses) {
      const server = createServer(({ url = "" }, response) => {
        asked.push(`${address}${url}`)
        const to = new URL(url, "http://x").searchParams.get("to")
        if (to === null) response.end(`this is ${address}`)
        else response.writeHead(302, { location: to.replace("PORT", String(port)) }).end()
      })
      yield* Effect.acquireRelease(
        Effect.callback<void, Error>((resume) => {
          server.once("error", (error) => resume(Effect.fail(error)))
          server.listen(port, address, () => resume(Effect.void))
        }),
        () =>
          Effect.sync(() => {
            server.closeAllConnections()
            server.close()
          })
      )
      port = (server.address() as AddressInfo).port
    }
    return { asked, port }
  })

const read = (location: string, ...allow: ReadonlyArray<string>) =>
  Documents.use((documents) =>
    Effect.match(documents.read(location, { reach: allowedNetworks(allow) }), {
      onSuccess: (text) => text,
      onFailure: ({ found, reason }) => `${reason._tag}: ${found}`
    })
  )

const live = (name: string, body: Effect.Effect<void, unknown, Documents | import("effect").Scope.Scope>) =>
  it.live(name, () => body.pipe(Effect.scoped, Effect.provide(Documents.layer)))

describe("a location that somebody else named", () => {
  live(
    "is not asked at an address that the operator did not allow, however that is written",
    Effect.gen(function*() {
      const { asked, port } = yield* serve("127.0.0.1")
      for (
        const host of [
          "127.0.0.1",
          "localhost",
          "[::ffff:127.0.0.1]",
          "[::ffff:7f00:1]",
          "0x7f.1",
          "2130706433",
          "[::1]"
        ]
      ) {
        const said = yield* read(`http://${host}:${port}/`, "10.0.0.0/8")
        assert.match(said, /^Forbidden: .* is no address of the internet|^Forbidden: .*, which is no address/, host)
        assert.include(said, "GeoDNS.Outbound.Allow")
      }
      assert.deepStrictEqual(asked, [])
      for (const host of ["127.0.0.1", "[::ffff:127.0.0.1]", "2130706433"]) {
        assert.strictEqual(yield* read(`http://${host}:${port}/`, "127.0.0.1/32"), "this is 127.0.0.1", host)
      }
    })
  )

  live(
    "leads nowhere by redirects that it could not name itself",
    Effect.gen(function*() {
      const { asked, port } = yield* serve("127.0.0.2", "127.0.0.1")
      const to = (target: string) => read(`http://127.0.0.2:${port}/?to=${encodeURIComponent(target)}`, "127.0.0.2/32")
      for (const host of ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"]) {
        assert.match(yield* to(`http://${host}:${port}/`), /^Forbidden: /, host)
      }
      assert.match(yield* to(`http://169.254.169.254/latest/meta-data/`), /^Forbidden: 169\.254\.169\.254 is no/)
      assert.isTrue(asked.every((one) => one.startsWith("127.0.0.2")), asked.join())
      assert.strictEqual(yield* to("/"), "this is 127.0.0.2")
      assert.match(yield* to("file:///etc/passwd"), /^BadStatus: /)
    })
  )

  live(
    "gains nothing by a name that changes its address, or that has several",
    Effect.gen(function*() {
      const { asked, port } = yield* serve("127.0.0.2", "127.0.0.1")
      named.set("rebinds.example", [["127.0.0.2"], ["127.0.0.1"]])
      named.set("both.example", [["127.0.0.1", "::1", "127.0.0.2"]])
      named.set("mapped.example", [["::ffff:127.0.0.1"]])
      const at = (name: string) => read(`http://${name}.example:${port}/`, "127.0.0.2/32")
      assert.strictEqual(yield* at("rebinds"), "this is 127.0.0.2")
      assert.match(yield* at("rebinds"), /^Forbidden: rebinds\.example is 127\.0\.0\.1, which is no address/)
      assert.strictEqual(yield* at("both"), "this is 127.0.0.2")
      assert.match(yield* at("mapped"), /^Forbidden: mapped\.example is ::ffff:127\.0\.0\.1, which/)
      assert.deepStrictEqual(asked, ["127.0.0.2/", "127.0.0.2/"])
    })
  )

  live(
    "is no file, and no more than may be read of it",
    Effect.gen(function*() {
      assert.match(yield* read("/etc/hostname"), /^Forbidden: no http or https URL/)
      const { port } = yield* serve("127.0.0.1")
      const cut = yield* Documents.use(({ read }) =>
        Effect.flip(read(`http://127.0.0.1:${port}/`, { limit: 5, reach: allowedNetworks(["127.0.0.0/8"]) }))
      )
      assert.strictEqual(cut.reason._tag, "TooLarge")
      assert.strictEqual(
        yield* read("http://127.0.0.1:1/", "127.0.0.1/32"),
        "Unreadable: no answer: connection refused"
      )
    })
  )

  live(
    "is what the rule is for: the operator's own documents are wherever they are",
    Effect.gen(function*() {
      const { port } = yield* serve("127.0.0.1")
      const own = yield* Documents.use((documents) => documents.read(`http://localhost:${port}/`))
      assert.strictEqual(own, "this is 127.0.0.1")
    })
  )
})
