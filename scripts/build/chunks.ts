/**
 * The chunks as src/cli/bundle/chunks.ts runs them: esbuild splits the sources into modules of ECMAScript, each of which becomes a function here. Node
 * keeps too little of what it compiles for a module, and nothing of a function that was called later.
 */
import { isBuiltin } from 'node:module';

/** The parameters of a chunk, in the order of src/cli/bundle/chunks.ts: what CommonJS has, and what else our sources want. */
const PARAMETERS = 'exports, module, require, __dirname, __load, __url';

const IMPORT = /^import (?:(\w+|\* as \w+)(?:, )?)?(\{[^}]*\})? from "((?:node:)?[a-z_0-9/]+)";$/gm;

const ON_DEMAND = /\bimport\("([^"]+)"\)/g;

/**
 * Asks for the modules of Node instead of importing them, which a chunk cannot on demand. An import statement reads every property of a module, and some
 * of them load much more: `http.WebSocket`, `crypto.webcrypto`, `process.report`.
 */
export function askForBuiltins(text: string): string {
  const asked = text.replaceAll(ON_DEMAND, (expression, name: string) =>
    isBuiltin(name) ? `Promise.resolve(globalThis.process.getBuiltinModule("${name}"))` : expression,
  );
  return asked.replaceAll(IMPORT, (statement, whole: string | undefined, parts: string | undefined, name: string) => {
    if (!isBuiltin(name)) return statement;
    const module = `globalThis.process.getBuiltinModule("${name}")`;
    const wanted = [whole?.replace('* as ', ''), parts?.replaceAll(' as ', ': ')].filter(
      (pattern) => pattern !== undefined,
    );
    return wanted.map((pattern) => `const ${pattern} = ${module};`).join(' ');
  });
}

/** Makes a function of a module that esbuild has written. */
export async function asChunk(module: string): Promise<string> {
  const { transform } = await import('esbuild');
  const loading = askForBuiltins(module).replaceAll(/\bimport\((?="\.\/)/g, '__load(');
  // Of all comments, esbuild keeps what may be a licence. These name the sources, which profiles are read by.
  const named = loading.replaceAll(/^\/\/ (?=\S+$)/gm, '//! ');
  const { code } = await transform(named, {
    format: 'cjs',
    platform: 'node',
    target: 'node24',
    define: { 'import.meta.url': '__url', 'import.meta.main': 'false' },
    legalComments: 'inline',
    // What is wrong with a source was told already.
    logLevel: 'error',
  });
  // The exports themselves, instead of a copy that reads each of them through a second function.
  const direct = code.replace(/^module\.exports = __toCommonJS\((\w+)\);$/m, 'module.exports = $1;');
  return asFunction(direct.replaceAll(/^\/\/! /gm, '// '));
}

/** Makes a function of a script for CommonJS. Comments are all that esbuild leaves other letters than those of ASCII in, and V8 holds a text with one of them in twice the room. */
export const asFunction = (script: string): string =>
  `(function (${PARAMETERS}) { ${script}\n})`.replaceAll(
    /[\u0080-\uffff]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
