/** Many pretended iRMCs in one process, each with ports of its own for SCCI and Redfish, for SNMP and for IPMI. */
import { listenAll, type SimFleet } from '../ipmi/fleet.ts';
import type { TlsIdentity, WebServer } from '../web.ts';
import type { SimIrmc } from './sim_irmc.ts';
import { type ListeningAgent, listenToSnmp } from './snmp_agent.ts';
import { listenToIrmc } from './web_server.ts';

/** The ports of an iRMC. */
export interface IrmcPorts {
  /** SCCI and Redfish. */
  readonly web: number;
  readonly snmp: number;
  readonly ipmi: number;
}

/** Where iRMCs listen, and how. */
interface IrmcListening {
  readonly address: string;
  /** The ports of the first; the others have those after them. 0 is any that is free. */
  readonly firstPorts: IrmcPorts;
  /** null for http. */
  readonly tls: TlsIdentity | null;
}

/** An iRMC that listens. */
export interface ListeningIrmc {
  readonly irmc: SimIrmc;
  readonly address: string;
  readonly ports: IrmcPorts;
  /** Opens or closes the port of IPMI; resolves when that is done. With IPMI over LAN off, the port is closed. */
  switchIpmi(on: boolean): Promise<void>;
}

/** iRMCs that listen. */
export interface IrmcFleet {
  readonly irmcs: readonly ListeningIrmc[];
  /** Ends all of them, with their connections. */
  stop(): Promise<void>;
}

/** How many are started at a time. */
const AT_ONCE = 100;

/**
 * Lets iRMCs listen.
 * @throws LISTEN_FAILED if a port is in use, or the address is not one of this system; then none is left
 */
export async function listenIrmcs(irmcs: readonly SimIrmc[], listening: IrmcListening): Promise<IrmcFleet> {
  const running: RunningIrmc[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(running.splice(0).map((each) => each.stop()));
  };
  try {
    for (let at = 0; at < irmcs.length; at += AT_ONCE) {
      const part = irmcs.slice(at, at + AT_ONCE).map((irmc, index) => new RunningIrmc(irmc, listening, at + index));
      running.push(...part);
      const failed = (await Promise.allSettled(part.map((each) => each.start()))).find(
        ({ status }) => status === 'rejected',
      );
      if (failed?.status === 'rejected') throw failed.reason;
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { irmcs: running.slice(), stop };
}

class RunningIrmc implements ListeningIrmc {
  readonly irmc: SimIrmc;
  readonly address: string;
  ports: IrmcPorts;
  readonly #tls: TlsIdentity | null;
  #web: WebServer | null = null;
  #agent: ListeningAgent | null = null;
  #ipmi: SimFleet | null = null;

  constructor(irmc: SimIrmc, { address, firstPorts, tls }: IrmcListening, index: number) {
    const after = (first: number): number => (first === 0 ? 0 : first + index);
    this.irmc = irmc;
    this.address = address;
    this.ports = { web: after(firstPorts.web), snmp: after(firstPorts.snmp), ipmi: after(firstPorts.ipmi) };
    this.#tls = tls;
  }

  async start(): Promise<void> {
    const { address, ports } = this;
    this.#web = await listenToIrmc(this.irmc, { address, port: ports.web }, this.#tls);
    this.#agent = await listenToSnmp(this.irmc, { address, port: ports.snmp });
    await this.switchIpmi(true);
    this.ports = { ...this.ports, web: this.#web.port, snmp: this.#agent.port };
  }

  async switchIpmi(on: boolean): Promise<void> {
    if (on === (this.#ipmi !== null)) return;
    if (on) {
      const place = { address: this.address, firstPort: this.ports.ipmi };
      this.#ipmi = await listenAll([this.irmc.bmc], place, this.irmc.parts.clock);
      this.ports = { ...this.ports, ipmi: this.#ipmi.bmcs[0]?.port ?? 0 };
    } else {
      const ipmi = this.#ipmi;
      this.#ipmi = null;
      await ipmi?.stop();
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.#web?.close(), this.#agent?.close(), this.#ipmi?.stop()]);
  }
}
