/** What is told of YAML that cannot be read repeats nothing of it. */
import test from 'ava';
import { parseDocument } from 'yaml';
import { wordsOfYamlFault } from '../../../src/cli/shared/yaml_fault.ts';

/** What begins a value that is not quoted, and means something else there. */
const BEGINS = [
  '*',
  '!',
  '!!',
  '!<',
  '&',
  '>',
  '|',
  '@',
  '%',
  '`',
  '"',
  "'",
  '{',
  '[',
  '"\\x',
  'a: ',
  '- ',
  '? ',
  ', ',
];

function faultOf(content: string): unknown {
  const document = parseDocument(content);
  try {
    document.toJS();
    return document.errors[0] ?? document.warnings[0];
  } catch (thrown) {
    return document.errors[0] ?? thrown;
  }
}

test('a password that breaks the file is not in the sentence', (t) => {
  const told = BEGINS.flatMap((begin) => {
    const fault = faultOf(`user: x\npassword: ${begin}S3cret\n`);
    return fault ? [wordsOfYamlFault(fault)] : [];
  });
  t.true(told.length > 8);
  for (const sentence of told) {
    t.notRegex(sentence, /S3cret/);
    t.true(sentence.length > 10, sentence);
  }
  t.true(told.includes('Unresolved alias (the anchor must be set before the alias)'));
});

test('what is wrong is told with its place', (t) => {
  t.is(wordsOfYamlFault(faultOf('a: 1\na: 2\n')), 'Map keys must be unique at line 2, column 1');
  t.is(wordsOfYamlFault(faultOf('a: >S3cret\n')), 'Block scalar header includes extra characters at line 1, column 5');
});
