/** `countermand log-level`: how much the conductor logs. */
import { Argument, type Command } from 'commander';
import { LOG_LEVELS } from '../../core/log_levels.ts';
import { GetLogLevelResponse, SetLogLevelResponse } from '../../gen/countermand/v1/conductor.ts';
import { asking, type Call } from '../shared/asking.ts';
import type { Terminal } from '../shared/terminal.ts';

/** What the configuration says, where it differs. */
const configuredWords = ({ level, configured }: GetLogLevelResponse): string =>
  level === configured
    ? 'as the configuration says'
    : `until the process ends or reads its configuration again, which says ${configured}`;

async function logLevel(level: string | undefined, _options: object, { conductor, output }: Call): Promise<void> {
  if (level === undefined) {
    const answer = await conductor.itself.getLogLevel({});
    output.message(GetLogLevelResponse, answer, () => `${answer.level}, ${configuredWords(answer)}`);
    return;
  }
  const answer = await conductor.itself.setLogLevel({ level });
  output.message(SetLogLevelResponse, answer, () => {
    const change = answer.level === answer.previous ? answer.level : `${answer.previous} -> ${answer.level}`;
    return `${change}, ${configuredWords(answer)}`;
  });
}

/** Gives the command `log-level` its argument and its action. */
export function setUpLogLevel(command: Command, terminal: Terminal): void {
  command
    .addArgument(
      new Argument('[level]', 'the least severe level to log; without it, the level is printed').choices(LOG_LEVELS),
    )
    .addHelpText(
      'after',
      `
The level counts until the process ends or reads its configuration again (SIGHUP). Where several conductors stand on one
database, this is the level of the one that leads, whichever is asked. That of another one, and of an agent on its own,
is changed by its configuration and SIGHUP.

Examples:
  countermand log-level
  countermand log-level debug`,
    )
    .action(asking(logLevel, terminal));
}
