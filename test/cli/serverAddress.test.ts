import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { readServerAddress } from "../../src/cli/serverAddress.ts"

describe("readServerAddress", () => {
  it("reads addresses as operators write them", () => {
    for (
      const [text, host, port] of [
        ["127.0.0.1", "127.0.0.1", 53],
        ["127.0.0.1:5300", "127.0.0.1", 5300],
        ["::1", "::1", 53],
        ["[::1]", "::1", 53],
        ["[2001:db8::53]:65535", "2001:db8::53", 65535]
      ] as const
    ) {
      assert.deepStrictEqual(readServerAddress(text), Option.some({ host, port }), text)
    }
  })

  it("refuses what is no address of a server", () => {
    for (
      const text of ["", ":53", "localhost:53", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:", "[127.0.0.1", "1.2.3"]
    ) {
      assert.deepStrictEqual(readServerAddress(text), Option.none(), text)
    }
  })
})
