import { availableParallelism } from "node:os"
import { resolve } from "node:path"
import { defineConfig } from "vitest/config"

export default defineConfig({
  resolve: {
    // The programs of the README import the package as its users do.
    alias: [{ find: /^effect-geodns\/(.+)$/, replacement: resolve(import.meta.dirname, "src/$1/index.ts") }]
  },
  test: {
    include: ["test/**/*.test.ts"],
    // Many tests wait for processes and servers, and do little themselves. Left to itself it takes one core less than there are.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    testTimeout: 120_000,
    hookTimeout: 120_000
  }
})
