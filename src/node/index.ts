export * from "./Conditions.ts"
export * from "./DurableFiles.ts"
export * from "./NodeIdentity.ts"
