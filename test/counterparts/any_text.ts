import fc from 'fast-check';

const [FIRST_SURROGATE, SURROGATES, CODE_POINTS] = [0xd800, 0x800, 0x11_0000];

/**
 * Texts of any code points, as fast-check's unit `binary` has them. That one lists all of the million that there are, to shrink
 * examples which a test gives it: it takes a second of each process.
 */
export function anyText(constraints: fc.StringConstraints = {}): fc.Arbitrary<string> {
  const unit = fc
    .nat(CODE_POINTS - SURROGATES - 1)
    .map((at) => String.fromCodePoint(at < FIRST_SURROGATE ? at : at + SURROGATES));
  return fc.string({ ...constraints, unit });
}
