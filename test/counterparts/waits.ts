/** How long programs of others are told to wait for an answer, in seconds. */
export const WAIT_S = {
  /** For an answer that comes: it is only late where all is slow. */
  forAnswer: 50,
  /** For silence. */
  forSilence: 1,
};
