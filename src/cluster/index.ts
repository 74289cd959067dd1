export * from "./Membership.ts"
export * from "./NodeTable.ts"
