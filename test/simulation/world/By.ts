/** Who does something, as it is at that moment. */
export interface By {
  readonly id: string
  /** How often it was started. */
  readonly life: number
  /** What its clock says, in milliseconds. */
  readonly wall: number
  /** Of the newest roster that it took. */
  readonly epoch: number
  /** Certificates of epochs before count no more for it. */
  readonly minEpoch: number
}
