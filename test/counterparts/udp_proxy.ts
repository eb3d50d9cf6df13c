import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';

/** What becomes of an answer of the BMC, the first of which has number 1; null: it is lost. */
export type Mangle = (answer: Buffer, number: number) => Buffer | null;

/** A BMC that listens. */
interface Listening {
  readonly address: string;
  readonly port: number;
}

/** What goes through a proxy unchanged. */
export const UNCHANGED: Mangle = (answer) => answer;

/** A port in front of the BMC where its answers come out mangled. `hear` hears the questions. */
export async function newUdpProxy(
  t: ExecutionContext,
  sim: Listening,
  mangle: Mangle,
  hear: (question: Buffer) => void = () => {},
): Promise<number> {
  const front = createSocket('udp4').bind(0, sim.address);
  await once(front, 'listening');
  const behind = new Map<number, ReturnType<typeof createSocket>>();
  let answers = 0;

  /** To the BMC each client has a port of its own, as without us. */
  function backFor(port: number, address: string): ReturnType<typeof createSocket> {
    const known = behind.get(port);
    if (known) return known;
    const back = createSocket('udp4');
    back.on('message', (answer) => {
      answers += 1;
      const mangled = mangle(answer, answers);
      if (mangled !== null) front.send(mangled, port, address);
    });
    behind.set(port, back);
    return back;
  }
  front.on('message', (question, { port, address }) => {
    hear(question);
    backFor(port, address).send(question, sim.port, sim.address);
  });
  t.teardown(() => {
    for (const socket of [front, ...behind.values()]) socket.close();
  });
  return front.address().port;
}
