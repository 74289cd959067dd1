import { assert, describe, it } from "@effect/vitest"
import { CliOutput } from "effect/cli"
import fc from "fast-check"
import { plain } from "../../../src/cli/text/plain.ts"
import { cut, table } from "../../../src/cli/text/table.ts"

const bare = { room: undefined, title: (text: string) => text }

describe("tables", () => {
  it("line up, numbers to the right, without spaces at the end", () => {
    assert.deepStrictEqual(
      table([{ title: "NAME" }, { title: "N", right: true }, { title: "WHAT" }], [
        [{ text: "Fuji" }, { text: "7" }, { text: "down" }],
        [{ text: "Tasman Sea" }, { text: "1234" }, { text: "" }]
      ], bare),
      [
        "NAME           N  WHAT",
        "Fuji           7  down",
        "Tasman Sea  1234"
      ]
    )
  })

  it("colours a cell, not what stands around it", () => {
    const [, line] = table([{ title: "A" }, { title: "B" }], [[
      { text: "x", paint: (text) => `<${text}>` },
      { text: "long" }
    ]], bare)
    assert.strictEqual(line, "<x>  long")
  })

  it("are never wider than the terminal, as long as it is wide enough to read", () => {
    const text = fc.string({ unit: "binary", maxLength: 60 })
    fc.assert(fc.property(
      fc.array(fc.tuple(text, text, text), { maxLength: 8 }),
      fc.integer({ min: 30, max: 100 }),
      (rows, room) => {
        const lines = table(
          [{ title: "A" }, { title: "B", right: true }, { title: "C" }],
          rows.map((row) => row.map((text) => ({ text }))),
          { ...bare, room }
        )
        for (const line of lines) {
          assert.isAtMost(CliOutput.displayWidth(line), room)
          assert.notMatch(line, /[\u0000-\u001f\u007f-\u009f]/)
        }
        assert.lengthOf(lines, rows.length + 1)
      }
    ))
  })

  it("never cut what is copied from them, whatever gives way for it", () => {
    const id = "seq-12-0123456789"
    const lines = table([{ title: "ID", whole: true }, { title: "ERROR" }], [[
      { text: id },
      { text: "connection refused" }
    ]], { ...bare, room: 20 })
    assert.strictEqual(lines[1], `${id}  connect…`)
  })

  it("let nothing through that a terminal obeys", () => {
    assert.strictEqual(plain("a\u001b[31mb\r\nc\u009b0md\u202ee"), "a [31mb c 0md e")
    assert.strictEqual(cut("abcdef", 4), "abc…")
    assert.strictEqual(cut("abcd", 4), "abcd")
  })
})
