import { assert, describe, it } from "@effect/vitest"
import { FileChanges } from "../../src/config/FileChanges.ts"

describe("FileChanges", () => {
  it("a change is told once, after two looks agree on it", () => {
    const changes = new FileChanges()
    changes.read("a", "1")
    assert.deepStrictEqual(["1", "1", "2", "3", "3", "3"].map((print) => changes.look("a", print)), [
      false,
      false,
      false,
      false,
      true,
      false
    ])
    changes.read("a", "3")
    assert.deepStrictEqual(["3", "none", "3", "none", "none"].map((print) => changes.look("a", print)), [
      false,
      false,
      false,
      false,
      true
    ])
  })

  it("a change between reading and the first look is seen", () => {
    const changes = new FileChanges()
    changes.read("a", "1")
    assert.deepStrictEqual([changes.look("a", "2"), changes.look("a", "2")], [false, true])
  })

  it("what was never read has not changed until it does", () => {
    const changes = new FileChanges()
    assert.deepStrictEqual(["1", "1", "2", "2"].map((print) => changes.look("a", print)), [false, false, false, true])
  })

  it("a failed reading of the same file is not told over and over", () => {
    const changes = new FileChanges()
    changes.read("a", "1")
    changes.look("a", "2")
    assert.isTrue(changes.look("a", "2"))
    assert.isFalse(changes.look("a", "2"))
    changes.look("a", "3")
    assert.isTrue(changes.look("a", "3"))
  })
})
