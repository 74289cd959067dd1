export * from "./JoinSeals.ts"
export * from "./ClockSkew.ts"
export * from "./Membership.ts"
export * from "./NodeTable.ts"
