/** A password goes into driver_info without standing on a command line: from a file, from stdin, or typed without echo. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readInfo } from '../../../src/cli/node/info.ts';
import { askHidden } from '../../../src/cli/shared/hidden_line.ts';
import { fail } from '../../../src/core/errors.ts';
import { newFolder } from '../../counterparts/folder.ts';
import { callOf, openCaptured } from '../captured.ts';

test('a literal secret on the command line is warned about, and a reference or anything else is not', async (t) => {
  const warningsOf = async (json: boolean, ...info: string[]) => {
    const captured = openCaptured();
    await readInfo({ info }, callOf(captured, json));
    return captured.stderr();
  };
  t.is(await warningsOf(false, 'ipmi_address=bmc', 'ipmi_password=file:bmc', 'ipmi_username=admin'), '');
  const text = await warningsOf(
    false,
    'ipmi_address=bmc',
    'ipmi_password=s3cret-word',
    'irmc_snmp_community=s3cret-too',
  );
  t.regex(
    text,
    /^warning: ipmi_password, irmc_snmp_community are on the command line, .*--ask-info or --info-file.*\n$/,
  );
  t.notRegex(text, /s3cret/);
  t.regex(JSON.parse(await warningsOf(true, 'ipmi_password=s3cret')).warning.message, /^ipmi_password is on the/);
});

test('a file of YAML or JSON gives keys beside those on the line, each as it is written', async (t) => {
  const folder = await newFolder(t);
  const read = (text: string, info: string[] = []) => {
    const infoFile = join(folder, 'info.yaml');
    writeFileSync(infoFile, text);
    const captured = openCaptured();
    return readInfo({ info, infoFile }, callOf(captured)).then((found) => [found, captured.stderr()]);
  };
  const expected = { ipmi_address: 'bmc', ipmi_password: '0071', ipmi_port: '623' };
  t.deepEqual(await read('ipmi_password: 0071\nipmi_port: 623\n', ['ipmi_address=bmc']), [expected, '']);
  t.deepEqual(await read('{"ipmi_address": "bmc", "ipmi_password": "0071", "ipmi_port": 623}'), [expected, '']);
  const refused = async (text: string, says: RegExp) => {
    const error = await t.throwsAsync(read(text, ['ipmi_address=bmc']), { code: 'ARGUMENT_INVALID' });
    t.regex(error?.message ?? '', says);
  };
  await refused('ipmi_address: other', /driver_info: 'ipmi_address' is given twice/);
  await refused('- ipmi_address', /info.yaml must be a list of KEY: VALUE lines/);
  await refused('ipmi_password: [a]', /ipmi_password must be one value/);
});

test('stdin gives a file as well', async (t) => {
  const captured = openCaptured();
  captured.stdin.end('ipmi_password: typed');
  t.deepEqual(await readInfo({ infoFile: '-' }, callOf(captured)), { ipmi_password: 'typed' });
});

test('a line that is asked for is read key by key in raw mode, and shown nowhere', async (t) => {
  const captured = openCaptured(true);
  const modes: boolean[] = [];
  Object.assign(captured.stdin, { setRawMode: (raw: boolean) => modes.push(raw) });
  const asking = readInfo({ askInfo: ['ipmi_password', 'irmc_password'] }, callOf(captured));
  for (const keys of ['lost\x15s3x', '\x7fcr', 'é\b', 'et\rsecond', '-one\n']) captured.stdin.write(keys);
  t.deepEqual(await asking, { ipmi_password: 's3cret', irmc_password: 'second-one' });
  t.deepEqual(modes, [true, false, true, false]);
  t.is(captured.person(), 'ipmi_password: \nirmc_password: \n');
  t.is(captured.stdout() + captured.stderr(), '');
});

for (const [name, end] of Object.entries({ 'Ctrl-C': '\x03', 'Ctrl-D': '\x04' }))
  test(`${name} ends the question, and the terminal is as it was`, async (t) => {
    const captured = openCaptured(true);
    const modes: boolean[] = [];
    Object.assign(captured.stdin, { setRawMode: (raw: boolean) => modes.push(raw) });
    captured.stdin.write(`half${end}`);
    await t.throwsAsync(askHidden('ipmi_password', '', captured.terminal), { code: 'CALL_ENDED' });
    t.deepEqual(modes, [true, false]);
  });

test('without a terminal, or when the command is stopped, there is no answer', async (t) => {
  const { terminal } = openCaptured();
  await t.throwsAsync(askHidden('ipmi_password', 'give it with --info-file', terminal), {
    code: 'ARGUMENT_INVALID',
    message: 'there is no terminal to ask for ipmi_password on; give it with --info-file',
  });
  const captured = openCaptured(true);
  const asking = askHidden('ipmi_password', '', captured.terminal);
  captured.interrupt.abort(fail('CALL_ENDED', 'stopped'));
  await t.throwsAsync(asking, { message: 'stopped' });
});
