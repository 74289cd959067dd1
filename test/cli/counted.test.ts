import { assert, it } from "@effect/vitest"
import { counted } from "../../src/cli/counted.ts"

it("counts things", () => {
  assert.deepStrictEqual([0, 1, 2].map((n) => counted(n, "error")), ["0 errors", "1 error", "2 errors"])
})
