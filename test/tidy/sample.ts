/** Rules on samples. */
import test, { type ExecutionContext } from 'ava';
import { type Finding, parseSources, report, type Source } from './sources.ts';

type Texts = Readonly<Record<string, string>>;

/** The places of the findings of a rule, as `path:line`. */
export function placesOf(findings: readonly Finding[]): string[] {
  return findings.map(({ path, line }) => `${path}:${line}`);
}

/** What a rule finds in sources. */
export type Rule = (sources: readonly Source[]) => Finding[];

/** What a rule finds in these texts: exactly what is at these places. */
export const finds = test.macro((t: ExecutionContext, rule: Rule, texts: Texts, places: readonly string[]) => {
  const findings = rule(parseSources(texts));
  t.deepEqual(placesOf(findings), [...places], report(findings));
});
