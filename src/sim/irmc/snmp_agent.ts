/** The SNMP agent of one iRMC: Fujitsu's SC2 MIB as far as it is about power. Reading only. */
import { createSocket, type Socket } from 'node:dgram';
import snmp from 'net-snmp';
import { fail } from '../../core/errors.ts';
import { BOOT_STATUS } from '../host.ts';
import type { SnmpLogin } from './logins.ts';
import type { SimIrmc } from './sim_irmc.ts';
import { LentSocket } from './snmp_socket.ts';

/** An SNMP agent that listens. */
export interface ListeningAgent {
  readonly port: number;
  close(): Promise<void>;
}

const SC2 = '1.3.6.1.4.1.231.2.10.2.2.10';

/** A row of the MIB: the entry of its table, its index, and the values of its columns. */
interface Row {
  readonly name: string;
  readonly entry: string;
  readonly index: readonly number[];
  readonly columns: Readonly<Record<number, (irmc: SimIrmc) => number | string>>;
}

/** The columns of the index come first; none of them is shown. */
const ROWS: readonly Row[] = [
  {
    name: 'sc2UnitTable',
    entry: `${SC2}.2.3.1`,
    index: [1],
    columns: { 4: () => 'PRIMERGY RX2540 M5 (simulated)' },
  },
  {
    name: 'sc2ManagementNodeTable',
    entry: `${SC2}.3.4.1`,
    index: [1, 1],
    columns: { 3: ({ parts }) => `iRMC ${parts.generation}`, 4: () => '1.00' },
  },
  {
    name: 'sc2ServerTable',
    entry: `${SC2}.4.1.1`,
    index: [1],
    // sc2srvLastBootResult: os-boot-successful; sc2srvCurrentBootStatus
    columns: { 3: () => 2, 4: bootStatus },
  },
  {
    name: 'sc2UnitPowerTable',
    entry: `${SC2}.4.2.1`,
    index: [1],
    columns: { 2: ({ host }) => (host.power === 'power on' ? 3 : 2) },
  },
];

function bootStatus({ host, faults }: SimIrmc): number {
  return BOOT_STATUS[faults.snmp === 'unknown boot status' ? 'unknown' : host.boot];
}

/** As much of an agent of net-snmp as is used here; its own types have none of it. */
interface Agent {
  getAuthorizer(): { addCommunity(name: string): void; addUser(user: object): void };
  registerProvider(provider: object): void;
  getMib(): { addTableRow(table: string, row: readonly unknown[]): void };
}

/** A question of net-snmp for one value. */
interface MibRequest {
  readonly oid: string;
  readonly instanceNode: { value: unknown; valueType: number };
  /** Answers with the value of the node; with an error that has a value, with that. */
  done(error?: { errorStatus: number; type: number; value: unknown }): void;
}

/**
 * Lets an agent listen. Port 0 is any that is free.
 * @throws LISTEN_FAILED if it cannot
 */
export async function listenToSnmp(
  irmc: SimIrmc,
  { address, port }: { readonly address: string; readonly port: number },
): Promise<ListeningAgent> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  await bind(socket, address, port);
  const lent = new LentSocket(socket, () => irmc.faults.snmp === 'silent' || irmc.isAway);
  const dgramModule = { createSocket: () => lent };
  const agent = snmp.createAgent({ dgramModule }, (error: unknown) => lent.complain(error)) as Agent;
  const { community, user } = irmc.parts.snmp;
  if (community !== null) agent.getAuthorizer().addCommunity(community);
  if (user !== null) agent.getAuthorizer().addUser(userOf(user));
  for (const row of ROWS) register(agent, row, irmc);
  return {
    port: socket.address().port,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

function userOf(user: NonNullable<SnmpLogin['user']>): object {
  return {
    name: user.name,
    level: snmp.SecurityLevel.authPriv,
    authProtocol: snmp.AuthProtocols[user.authProtocol],
    authKey: user.authPassword,
    privProtocol: snmp.PrivProtocols.aes,
    privKey: user.privPassword,
  };
}

function register(agent: Agent, { name, entry, index, columns }: Row, irmc: SimIrmc): void {
  const indexColumns = index.map((_, at) => ({
    number: at + 1,
    name: `${name}Index${at + 1}`,
    type: snmp.ObjectType.Integer,
    maxAccess: snmp.MaxAccess['not-accessible'],
  }));
  const shown = Object.entries(columns).map(([number, read]) => ({
    number: Number(number),
    name: `${name}${number}`,
    type: typeof read(irmc) === 'number' ? snmp.ObjectType.Integer : snmp.ObjectType.OctetString,
    maxAccess: snmp.MaxAccess['read-only'],
  }));
  agent.registerProvider({
    name,
    type: snmp.MibProviderType.Table,
    oid: entry,
    maxAccess: snmp.MaxAccess['not-accessible'],
    tableColumns: [...indexColumns, ...shown],
    tableIndex: indexColumns.map(({ number }) => ({ columnNumber: number })),
    handler: (request: MibRequest): void => answer(request, entry, columns, irmc),
  });
  agent.getMib().addTableRow(name, [...index, ...Object.values(columns).map((read) => read(irmc))]);
}

function answer(request: MibRequest, entry: string, columns: Row['columns'], irmc: SimIrmc): void {
  const { Integer, OctetString, NoSuchObject } = snmp.ObjectType;
  const column = Number(request.oid.slice(entry.length + 1).split('.')[0]);
  const value = columns[column]?.(irmc) ?? null;
  if (irmc.faults.snmp === 'no such object' || value === null) {
    request.done({ errorStatus: snmp.ErrorStatus.NoError, type: NoSuchObject, value: null });
    return;
  }
  const shown = irmc.faults.snmp === 'wrong type' ? `about ${value}` : value;
  request.instanceNode.value = shown;
  request.instanceNode.valueType = typeof shown === 'number' ? Integer : OctetString;
  request.done();
}

/** Not shared: of two on one port, one would silently hear nothing. */
function bind(socket: Socket, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      const why = error.code === 'EADDRINUSE' ? 'another process does' : `the system says ${error.code}`;
      reject(fail('LISTEN_FAILED', `a simulated iRMC cannot listen on ${address}:${port}: ${why}`, error));
    });
    socket.bind({ address, port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      socket.on('error', () => {});
      resolve();
    });
  });
}
