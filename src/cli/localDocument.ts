import * as Flag from "effect/cli/Flag"

/** `--config FILE`: what makes a node the one that it is. */
export const localDocument = Flag.String("config").pipe(
  Flag.withAlias("c"),
  Flag.withDescription("The local document: a path or URL")
)
