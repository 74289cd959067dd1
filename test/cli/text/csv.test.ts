import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { csvLine } from "../../../src/cli/text/csv.ts"

/** Reads one line of CSV as RFC 4180 has it. */
const read = (line: string): ReadonlyArray<string> => {
  const cells: Array<string> = []
  const pattern = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|$)/gy
  while (true) {
    const match = pattern.exec(line)
    if (match === null) throw new Error(`no CSV: ${JSON.stringify(line)}`)
    cells.push(match[1]?.replaceAll('""', '"') ?? match[2]!)
    if (match[3] === "") return cells
  }
}

describe("a line of CSV", () => {
  it("is read as it was meant, whatever the texts hold", () => {
    const text = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.string({ unit: fc.constantFrom('"', ",", "\n", "\r", " ", "a", "ß", ";", "'") })
    )
    fc.assert(fc.property(fc.array(text, { minLength: 1 }), (texts) => {
      const plain = texts.filter((it) => !/^[=+\-@\t\r]|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/.test(it))
      if (plain.length > 0) assert.deepStrictEqual(read(csvLine(plain)), plain)
    }))
  })

  it("holds nothing that a spreadsheet computes, and numbers stay numbers", () => {
    assert.strictEqual(
      csvLine(["=1+1", "+1", "-1", "@SUM(A1)", "\tx", -1, 1.5, true, "a=b"]),
      `'=1+1,'+1,'-1,'@SUM(A1),'\tx,-1,1.5,true,a=b`
    )
    assert.deepStrictEqual(read(csvLine([`=HYPERLINK("https://x.example","y")`])), [
      `'=HYPERLINK("https://x.example","y")`
    ])
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.notMatch(read(csvLine(["before", text]))[1]!, /^[=+\-@\t\r]/)
    }))
  })

  it("holds nothing that a terminal obeys", () => {
    fc.assert(fc.property(fc.array(fc.string({ unit: "binary" })), (texts) => {
      assert.notMatch(csvLine(texts), /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/)
    }))
    assert.strictEqual(csvLine(["\u001b[2Jgone"]), "\ufffd[2Jgone")
  })
})
