import * as Schema from "effect/Schema"
import { NonNegative } from "./Field.ts"

/** Prices of a region, USD per unit and month. */
export const Price = Schema.Struct({
  cores: NonNegative,
  memory: NonNegative,
  disk: NonNegative,
  bandwidth: NonNegative
})
export type Price = typeof Price.Type

/** The pricing document: region → prices. */
export const Pricing = Schema.Record(Schema.String, Price)
export type Pricing = typeof Pricing.Type
