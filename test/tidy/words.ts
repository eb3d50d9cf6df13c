/** Rules about what people read: sentences that every client shows. */
import {
  isNoSubstitutionTemplateLiteral,
  isStringLiteral,
  isTemplateHead,
  isTemplateMiddle,
  isTemplateTail,
  type Node,
} from 'typescript/unstable/ast';
import { type Finding, findInTrees, isAt, type Source } from './sources.ts';

/** The text of a literal, or of a part of a template; null for any other node. */
function textOf(node: Node): string | null {
  const isText =
    isStringLiteral(node) ||
    isNoSubstitutionTemplateLiteral(node) ||
    isTemplateHead(node) ||
    isTemplateMiddle(node) ||
    isTemplateTail(node);
  return isText ? node.text : null;
}

/** What names a flag, or one of these commands of the command line. */
const namesIn = (commands: readonly string[]): RegExp =>
  new RegExp(`(?:^|[\\s(\`'"])--[a-z][a-z-]+|countermand (?:${commands.join('|')})(?![a-z-])`);

/** Texts in these folders that name a flag or a command of the command line: other clients have neither. */
export function wordsOfOneClient(
  sources: readonly Source[],
  folders: readonly string[],
  homes: readonly string[],
  commands: readonly string[],
): Finding[] {
  const pattern = namesIn(commands);
  const inside = sources.filter(({ path }) => isAt(path, folders) && !isAt(path, homes));
  return findInTrees(inside, (node) => {
    const found = pattern.exec(textOf(node) ?? '');
    return found
      ? `says '${found[0].trim()}'; name what the API has, and let the command line add its own words`
      : null;
  });
}
