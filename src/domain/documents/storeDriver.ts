import type { Local } from "./Local.ts"

/** The drivers of the store. */
export type StoreDriver = NonNullable<Local["GeoDNS"]["Store"]["Driver"]>

/** What a node keeps outages and usage in: what `GeoDNS.Store.Driver` says, else MySQL when `Mysql.Host` is set. */
export const storeDriver = ({ GeoDNS, Mysql }: Local): StoreDriver =>
  GeoDNS.Store.Driver ?? (Mysql.Host === "" ? "sqlite" : "mysql")
