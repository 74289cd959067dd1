export * from "./Usage.ts"
export * from "./UsageCounter.ts"
