import { assert, describe, it } from "@effect/vitest"
import { Publications } from "../../../src/consensus/sealed/Publications.ts"
import { certificate, decision, start, target } from "./fixtures.ts"

const message = decision(certificate())

/** Seconds after the start at which something is due, asked every second. */
const seconds = (of: Publications, count = 60): ReadonlyArray<number> =>
  Array.from({ length: count }, (_, i) => i).filter((i) => of.due(start + i * 1_000).length > 0)

describe("Publications", () => {
  it("of ours are sent once more after 10 s, as they were sent at once", () => {
    const of = new Publications()
    of.made(target, message, true, start)
    assert.deepStrictEqual(seconds(of), [10])
    assert.strictEqual(of.size, 0)
  })

  it("of what others proposed are sent after 1 s and once more, or only then when a member says that it did", () => {
    const [silent, heard] = [new Publications(), new Publications()]
    for (const  of of[silent, heard]) of.made(target, message, false, start)
    heard.heard(target, start)
    assert.deepStrictEqual(seconds(silent), [1, 11])
    assert.deepStrictEqual(seconds(heard), [10])
  })

  it("are put off no second time by who says so again", () => {
    const of = new Publications()
    of.made(target, message, false, start)
    for (let i = 0; i < 9; i++) of.heard(target, start + i * 1_000)
    assert.deepStrictEqual(seconds(of), [10])
  })

  it("end with a newer decision", () => {
    const of = new Publications()
    of.made(target, message, true, start)
    of.over(target)
    assert.deepStrictEqual(seconds(of), [])
  })

  it("do not wait for a clock that was set back", () => {
    const of = new Publications()
    of.made(target, message, true, start + 3_600_000)
    assert.deepStrictEqual(of.due(start), [message])
  })
})
