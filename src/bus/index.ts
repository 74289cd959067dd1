export * from "./Bus.ts"
export * from "./MemoryBroker.ts"
export * as Messages from "./Messages.ts"
export { maxMessageBytes } from "./MessageSize.ts"
