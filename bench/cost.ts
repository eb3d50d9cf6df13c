/** In which figures costs of an order are told. */

/** The orders of a second for which a cost is stated, and what of a processor it may be. */
export const PER_SECOND = 1000;
export const AIM_PERCENT = 3;

/** A share as text. */
export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
