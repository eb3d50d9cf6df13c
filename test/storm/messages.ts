/** Random messages of every RPC, made from the compiled protos: valid ones, wrong ones, and bytes that are none. */
import { readFileSync } from 'node:fs';
import {
  create,
  createFileRegistry,
  type DescField,
  type DescMessage,
  type DescMethod,
  fromBinary,
  fromJson,
  type Message,
  ScalarType,
  toBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { SeededChance } from '../world/chance.ts';
import { sensibleRequest } from './sensible.ts';

const IMAGE = new URL('../../src/gen/image.binpb', import.meta.url);
const SERVICES = ['Node', 'Power', 'ActionPlan', 'Audit', 'Notification'].map(
  (name) => `countermand.v1.${name}Service`,
);

/** The methods of all services that clients call. */
export function methodsOf(): DescMethod[] {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(IMAGE)));
  return SERVICES.flatMap((name) => registry.getService(name)?.methods ?? []);
}

/** Deeper, a message is left empty. */
const DEEPEST = 6;

/** Makes messages whose texts are often names and ids that exist. */
export class Messages {
  readonly #chance: SeededChance;
  /** Names and ids that have been seen. */
  readonly #words: string[];

  constructor(chance: SeededChance, words: readonly string[]) {
    this.#chance = chance;
    this.#words = [...words];
  }

  /** Remembers a name or an id for later requests. */
  learn(word: string): void {
    if (word === '') return;
    if (this.#words.length < 500) this.#words.push(word);
    else this.#words[this.#chance.between(0, this.#words.length - 1)] = word;
  }

  /** A request for the method, as bytes: often one that can be accepted, often nonsense, and sometimes no message at all. */
  request(method: DescMethod): Buffer {
    const sensible = this.#chance.happens(0.5) ? sensibleRequest(method.name, this.#words, this.#chance) : null;
    const message = sensible === null ? this.#message(method.input, 0) : fromJson(method.input, sensible);
    const bytes = Buffer.from(toBinary(method.input, message));
    return this.#chance.happens(0.05) ? this.#mutated(bytes) : bytes;
  }

  #mutated(bytes: Buffer): Buffer {
    if (bytes.length === 0) return this.#chance.bytes(this.#chance.between(1, 200));
    const cut = bytes.subarray(0, this.#chance.between(0, bytes.length));
    return Buffer.concat([cut, this.#chance.bytes(this.#chance.between(0, 20))]);
  }

  #message(desc: DescMessage, depth: number): Message {
    const message = create(desc) as Message & Record<string, unknown>;
    if (depth > DEEPEST) return message;
    for (const field of desc.fields) {
      if (this.#chance.fraction() < 0.5) continue;
      const value = this.#field(field, depth);
      if (field.oneof) message[field.oneof.localName] = { case: field.localName, value };
      else message[field.localName] = value;
    }
    return message;
  }

  #field(field: DescField, depth: number): unknown {
    const count = (): number => this.#chance.pick([0, 1, 1, 2, 5, 50]);
    switch (field.fieldKind) {
      case 'list':
        return Array.from({ length: count() }, () =>
          field.listKind === 'message'
            ? this.#message(field.message, depth + 1)
            : field.listKind === 'enum'
              ? this.#number()
              : this.#scalar(field.scalar),
        );
      case 'map':
        return Object.fromEntries(
          Array.from({ length: count() }, () => [
            this.text(),
            field.mapKind === 'message' ? this.#message(field.message, depth + 1) : this.text(),
          ]),
        );
      case 'message':
        return this.#message(field.message, depth + 1);
      case 'enum':
        return this.#chance.between(-1, 12);
      default:
        return this.#scalar(field.scalar);
    }
  }

  #scalar(type: ScalarType): unknown {
    if (type === ScalarType.STRING) return this.text();
    if (type === ScalarType.BOOL) return this.#chance.fraction() < 0.5;
    if (type === ScalarType.BYTES) return this.#chance.bytes(8);
    if (type === ScalarType.INT64)
      return this.#chance.pick([0n, 1n, -1n, 100n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)]);
    if (type === ScalarType.DOUBLE) return this.#chance.pick([0, -1, 1.5, 1e300, Number.NaN, Number.POSITIVE_INFINITY]);
    return this.#number();
  }

  #number(): number {
    return this.#chance.pick([0, 1, 2, 3, 5, 10, 1000, -1, 2 ** 31 - 1, -(2 ** 31)]);
  }

  /** A name or an id that has been seen, or a text that makes trouble. */
  text(): string {
    const chance = this.#chance;
    if (chance.fraction() < 0.7 && this.#words.length > 0) return chance.pick(this.#words);
    return chance.pick([
      '',
      'n[1-4]',
      'n[1-100000]',
      'n[99999999999999999998-99999999999999999999]',
      'n[1-999][1-999][1-999]',
      'x'.repeat(chance.pick([1, 255, 1000, 5000])),
      'a\u0000b',
      '\u202e\ud83d\ude00',
      '../../etc/passwd',
      'file:../../etc/shadow',
      'env:COUNTERMAND_SECRET_STORM',
      "'; drop table nodes; --",
      chance.uuid(),
    ]);
  }
}
