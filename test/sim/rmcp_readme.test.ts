/** The example in the README of the RMCP+ client runs as it is printed. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { newFolder } from '../counterparts/folder.ts';
import { run, startSimIpmi } from './sim_command.ts';

const CLIENT = new URL('../../src/drivers/ipmi/rmcp/', import.meta.url);

test('the example of the README', async (t) => {
  const readme = readFileSync(new URL('README.md', CLIENT), 'utf8');
  const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  const file = join(await newFolder(t), 'example.ts');
  await writeFile(file, example.replaceAll("from './", `from '${CLIENT}`));
  const [node] = await startSimIpmi(t, ['--soft-off', 'never', '--suites', '17']);
  const { ipmi_address: BMC_HOST, ipmi_port: BMC_PORT, ipmi_password: BMC_PASSWORD } = node?.driverInfo ?? {};
  const at = (more: Record<string, string>) => run(process.execPath, [file], { BMC_HOST, BMC_PORT, ...more });
  const right = await at({ BMC_PASSWORD: BMC_PASSWORD ?? '' });
  t.deepEqual(
    { ...right, stdout: right.stdout.split('\n') },
    {
      exitCode: 0,
      stderr: '',
      stdout: [
        'a BMC of manufacturer 343, firmware 1.00',
        '{',
        '  powerOn: true,',
        '  powerFault: false,',
        '  lastOnByCommand: false,',
        '  lastOffByFault: false',
        '}',
        'RmcpError: invalid command (C1h) to Get Channel Info',
        '',
      ],
    },
  );
  const wrong = await at({ BMC_PASSWORD: 'wrong' });
  t.is(wrong.stdout, 'WRONG_PASSWORD: its proof was made with another password\n');
  t.is(wrong.exitCode, 0);
});
