/** Certificates: never silently accepted, and nothing is sent to whom is not trusted. */

import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { CountermandError } from '../../src/core/errors.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { newAuthority, selfSigned } from '../counterparts/certificates.ts';
import { newFolder } from '../counterparts/folder.ts';
import { newIrmcDriver } from '../counterparts/irmc_driver.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { never } from '../counterparts/signals.ts';
import { newSimIrmc } from '../counterparts/sim_irmc.ts';

const driver = newIrmcDriver(new PatientClock());
test.after.always(() => driver.close());

test('a certificate of the authority that is named, as a file or in a folder', async (t) => {
  const authority = await newAuthority(t);
  const tested = await newSimIrmc(t, { tls: await authority.issue(ownAddress()) });
  const folder = await newFolder(t);
  await copyFile(authority.file, join(folder, 'authority.pem'));
  for (const verify of [authority.file, folder]) {
    tested.irmc.host.setPower('power on');
    await driver.setPowerState(driver.parse({ ...tested.info, irmc_verify_ca: verify }), 'power off', never());
    t.is(tested.irmc.host.power, 'power off');
  }
});

test('one that has expired, is for another name, vouches for itself, or is of an unknown authority', async (t) => {
  const authority = await newAuthority(t);
  const cases = [
    [await authority.issueExpired(ownAddress()), authority.file, /CERT_HAS_EXPIRED/],
    [await authority.issue('irmc.example.org'), authority.file, /ERR_TLS_CERT_ALTNAME_INVALID/],
    [await selfSigned(t, ownAddress()), authority.file, /DEPTH_ZERO_SELF_SIGNED_CERT/],
    [await authority.issue(ownAddress()), 'true', /UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT)/],
  ] as const;
  for (const [tls, verify, says] of cases) {
    const tested = await newSimIrmc(t, { tls });
    const bmc = driver.parse({ ...tested.info, irmc_verify_ca: verify });
    const error = await t.throwsAsync(driver.setPowerState(bmc, 'power off', never()), {
      instanceOf: CountermandError,
    });
    t.is(error.code, 'BMC_CERTIFICATE_REFUSED', error.message);
    t.regex(error.message, says);
    t.deepEqual(tested.irmc.received, []);
    t.is(tested.irmc.host.power, 'power on');
    await driver.setPowerState(driver.parse({ ...tested.info, irmc_verify_ca: 'false' }), 'power off', never());
    t.is(tested.irmc.host.power, 'power off');
  }
});

test('http where https was expected, and the other way round; a file of authorities that is not there', async (t) => {
  const plain = await newSimIrmc(t);
  const secure = await newSimIrmc(t, { tls: await selfSigned(t, ownAddress()) });
  for (const [tested, change, code] of [
    [plain, { irmc_protocol: 'https' }, 'BMC_PROTOCOL_VIOLATION'],
    [secure, { irmc_protocol: 'http' }, null],
    [secure, { irmc_verify_ca: '/nowhere/authority.pem' }, 'DRIVER_INFO_INVALID'],
  ] as const) {
    const bmc = driver.parse({ ...tested.info, ...change });
    const error = await t.throwsAsync(driver.setPowerState(bmc, 'power off', never()), {
      instanceOf: CountermandError,
    });
    if (code !== null) t.is(error.code, code, error.message);
    t.is(tested.irmc.host.power, 'power on');
  }
});
