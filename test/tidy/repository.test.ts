/** The house rules, held against the repository. test/tidy/house.ts and vocabulary.ts have the tables. */
import test, { type ExecutionContext } from 'ava';
import { buildProgram } from '../../src/cli/program.ts';
import { openCaptured } from '../cli/captured.ts';
import { realTime } from './clocks.ts';
import { bannedNames, foreignWords, secondMeanings, switchedOffTests, tooLong, undocumentedExports } from './code.ts';
import * as house from './house.ts';
import {
  bypassedInterfaces,
  crossedLayers,
  crossedRooms,
  deadFiles,
  emptyHomes,
  importCycles,
  strayPackages,
  strayStatements,
  unusedExports,
} from './imports.ts';
import { type Finding, findPaths, readSources, readTexts, report } from './sources.ts';
import { foreignProtoWords, leftovers, translatedWords, unquotedGlobs, vagueFolders } from './texts.ts';
import * as vocabulary from './vocabulary.ts';
import { wordsOfOneClient } from './words.ts';

const sources = readSources();
const product = sources.filter(({ path }) => path.startsWith('src/'));

function clean(t: ExecutionContext, findings: readonly Finding[]): void {
  t.is(findings.length, 0, `\n${report(findings)}`);
}

test('the sources were found', (t) => {
  t.true(product.length > 20);
});

test('layers: each folder imports only from below', (t) => {
  clean(t, crossedLayers(sources, house.LAYERS, house.OUTSIDE));
});

test('rooms: inside the conductor, and inside the command line, each imports only from below', (t) => {
  clean(t, crossedRooms(sources, house.SERVER_ROOMS));
  clean(t, crossedRooms(sources, house.CLI_ROOMS));
});

test('SQL: the store alone speaks it', (t) => {
  clean(t, strayStatements(sources, 'src/server', 'src/server/store'));
});

test('interfaces: what implements one is imported only where the parts are put together', (t) => {
  clean(t, bypassedInterfaces(sources, house.IMPLEMENTATIONS));
});

test('packages: each is imported in its home only', (t) => {
  clean(t, strayPackages(sources, house.HOMES));
  clean(t, emptyHomes(product, house.HOMES));
});

test('imports: no circles', (t) => {
  clean(t, importCycles(product));
});

test('imports: no file of src that nobody imports', (t) => {
  clean(t, deadFiles(sources, house.ENTRIES));
});

test('exports: each is imported by another file', (t) => {
  clean(t, unusedExports(sources, house.OFFERED));
});

test('banned names: time, chance, environment and output come in as arguments', (t) => {
  clean(t, bannedNames(sources, house.BANNED, ['src/']));
});

test('banned names: tests do not sleep, and read no real clock', (t) => {
  clean(t, bannedNames(sources, house.BANNED_IN_TESTS, ['test/']));
});

test('time: no test asserts on a real clock, and no limit on it is short', (t) => {
  clean(t, realTime(sources, house.CLOCK_RULES));
});

test('sizes: no file and no function is too long', (t) => {
  clean(t, tooLong(sources, house.LIMITS));
});

test('docstrings: every export of src has one', (t) => {
  clean(t, undocumentedExports(sources));
});

test('words: no identifier uses a synonym', (t) => {
  clean(t, foreignWords(sources, vocabulary.FOREIGN_WORDS));
  clean(t, foreignProtoWords(readTexts(['proto/**/*.proto']), vocabulary.FOREIGN_WORDS));
});

test('words: a type that has one meaning is declared once', (t) => {
  clean(t, secondMeanings(sources, vocabulary.ONE_MEANING));
});

test('words: what every client is told names nothing that only the command line has', async (t) => {
  const { commands } = await buildProgram(openCaptured().terminal, []);
  const names = commands.map((command) => command.name());
  clean(t, wordsOfOneClient(sources, vocabulary.TOLD_TO_ALL, vocabulary.COMMAND_LINES, names));
});

test('words: plain English everywhere, above all in the contract, errors and configuration', (t) => {
  clean(t, translatedWords(readTexts(vocabulary.PLAINLY_WRITTEN), vocabulary.LOOSE));
  const kept = ['test/tidy/', ...vocabulary.KEPT_AS_WRITTEN];
  const texts = Object.entries(readTexts(['{src,test,scripts,bench,examples,proto,docs,packaging}/**', '*.md']));
  const ours = texts.filter(([path]) => !kept.some((folder) => path.startsWith(folder)) && !path.endsWith('.png'));
  clean(t, translatedWords(Object.fromEntries(ours), vocabulary.TRANSLATED));
});

test('folders: none has a name that says nothing', (t) => {
  clean(t, vagueFolders(findPaths(['{src,test,scripts,bench,examples,proto}/**']), house.VAGUE_FOLDERS));
});

test('leftovers: nothing was left undone', (t) => {
  const texts = readTexts(['{src,test,scripts,bench,examples,proto,docs,bin}/**', '*.md']);
  const others = Object.entries(texts).filter(([path]) => !path.startsWith('test/tidy/') && !path.endsWith('.png'));
  clean(t, leftovers(Object.fromEntries(others), house.LEFTOVERS));
});

test('help, docs, examples and comments of the contract: ranges and globs are quoted', (t) => {
  clean(
    t,
    unquotedGlobs(readTexts(['{docs,examples,proto,scripts}/**', 'src/cli/*.ts', 'src/server/store/nodes.ts', '*.md'])),
  );
});

test('tests: none is switched off', (t) => {
  clean(t, switchedOffTests(sources));
});
