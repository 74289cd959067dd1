export { nodeSqlite } from "../node/nodeSqlite.ts"
