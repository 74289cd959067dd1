import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { KeptReplies } from "../../../src/dns/pdns/KeptReplies.ts"
import { ZoneIndex } from "../../../src/dns/pdns/ZoneIndex.ts"
import { heldBytes } from "../heap.ts"
import { sampleZone } from "../samples.ts"

describe("kept replies", () => {
  it("are those of two halves that are never more than half of the budget each", () => {
    const half = 2_000
    const asked = fc.record({ name: fc.nat(30).map(String), length: fc.nat(900), isKept: fc.boolean() })
    fc.assert(fc.property(fc.array(asked, { maxLength: 200, size: "max" }), (all) => {
      const kept = new KeptReplies(2 * half)
      let young = new Map<string, string>()
      let old = new Map<string, string>()
      const put = (name: string, reply: string) => {
        const sizes = [...young, [name, reply] as const].map(([name, reply]) => 128 + name.length + reply.length)
        if (sizes.reduce((sum, size) => sum + size, 0) > half) [old, young] = [young, new Map()]
        young.set(name, reply)
      }
      for (const { isKept, length, name } of all) {
        const again = old.get(name)
        const expected = young.get(name) ?? again
        assert.strictEqual(kept.get(name), expected)
        if (again !== undefined && !young.has(name)) {
          old.delete(name)
          put(name, again)
        } else if (expected === undefined && isKept) {
          const reply = "x".repeat(length)
          assert.strictEqual(kept.keep(name, reply), reply)
          put(name, reply)
        }
      }
    }))
  })

  it("stay as long as they are asked for, while others come and go", () => {
    const kept = new KeptReplies(100_000)
    kept.keep("wanted", "x".repeat(1_000))
    kept.keep("forgotten", "x".repeat(1_000))
    for (let i = 0; i < 10_000; i++) {
      kept.keep(`other ${i}`, "x".repeat(1_000))
      assert.isDefined(kept.get("wanted"))
    }
    assert.isUndefined(kept.get("forgotten"))
    assert.isDefined(kept.get("other 9999"))
  })

  it("leave out what is so long that all else would have to go", () => {
    const kept = new KeptReplies(10_000)
    kept.keep("short", "x")
    assert.lengthOf(kept.keep("long", "x".repeat(5_001)), 5_001)
    assert.isUndefined(kept.get("long"))
    assert.isDefined(kept.get("short"))
  })

  it("of a zone take a bounded part of the heap, however long they are and however they came", () => {
    const index = new ZoneIndex(sampleZone)
    const before = heldBytes()
    for (let i = 0; i < 2_000; i++) {
      // As they are: cut from a request, put together from parts.
      const request = `${i} ${"r".repeat(15_000)}`
      let reply = ""
      for (let part = 0; part < 1_300; part++) reply += `,${i}:${part}${"x".repeat(90)}`
      index.keepFixed(`ANY ${request.slice(0, 500)}`, reply)
    }
    assert.isBelow(heldBytes() - before, 24 * 1024 * 1024)
    assert.isDefined(index.fixed(`ANY ${`1999 ${"r".repeat(15_000)}`.slice(0, 500)}`))
  }, 60_000)
})
