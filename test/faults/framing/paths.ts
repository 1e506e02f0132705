import { setTimeout as sleep } from 'node:timers/promises';
import { facadeOf } from '../../../functions/discovery/facade.ts';
import { fetchStatement } from '../../../functions/discovery/fetch-statement.ts';
import type { PayerHttp } from '../../../functions/shared/payer/http.ts';
import type { Payer } from '../../../functions/shared/registry/types.ts';
import { begin, comeBack, locationOf } from '../../conformance/client.ts';
import type { LocalTarget } from '../../conformance/local-target.ts';
import { patientId, tokenAnswer } from '../../conformance/scripted-payer.ts';
import { baseOf } from '../../conformance/target.ts';
import { bundleOf, byHand } from '../../support/payer/answers.ts';
import { write, type Cell, type Wire } from './wire.ts';

/** The result of an answer. */
export type Fate = 'whole' | 'broken';

/** A call to a payer whose answer's framing is tested. */
export interface Path {
  readonly name: string;
  /** An answer of about this many bytes. */
  readonly body: (bytes: number) => Buffer;
  /** The sizes that it may have. */
  readonly sizes: readonly number[];
  /** @throws Error if it arrived too short, or changed */
  readonly run: (wire: Wire, body: Buffer, manner: Cell['manner']) => Promise<Fate>;
}

const filler = (bytes: number): string =>
  Array.from({ length: Math.ceil(bytes / 12) }, (_, n) => `text ${n} \\" `)
    .join('')
    .slice(0, bytes & ~1)
    .replace(/\\+$/, '');
const jsonOf = (value: object, bytes: number): Buffer => {
  const text = JSON.stringify(value);
  return Buffer.from(`{"text":"${filler(Math.max(0, bytes - text.length - 12))}",${text.slice(1)}`);
};

const kilobyte = 1024;
/** While the reader or the payer pauses. */
const pauseMs = 30;

/** The payer itself is slow if the gateway is the reader. */
const payersPause = (manner: Cell['manner']): number =>
  manner === 'slow reader' ? 1 : manner === 'paused reader' ? 5 : 0;

/** A read by a partner. */
export const fetchPath = (target: LocalTarget, http: PayerHttp, token: string): Path => {
  const wires = new Map<string, Wire>();
  target.payers.script('clear-health', {
    r4: ({ url }) => byHand((response) => write(response, wires.get(url.searchParams.get('code') ?? '')!)),
  });
  let reads = 0;
  return {
    name: 'fetch',
    sizes: [200, 20 * kilobyte, 1024 * kilobyte],
    body: (bytes) => jsonOf(bundleOf({ resourceType: 'Patient', id: patientId }), bytes),
    run: async (wire, body, manner) => {
      const id = `read-${(reads += 1)}`;
      wires.set(id, wire);
      const response = await http(`${baseOf(target)}/Observation?code=${id}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      const pieces: Uint8Array[] = [];
      if (manner === 'paused reader') await sleep(pauseMs);
      try {
        for await (const piece of response.body ?? []) {
          pieces.push(piece);
          if (manner === 'slow reader') await sleep(1);
        }
      } catch {
        return 'broken';
      }
      if (response.status >= 500) return 'broken';
      if (response.status === 200 && Buffer.concat(pieces).equals(body)) return 'whole';
      throw new Error(`short: ${response.status}, ${Buffer.concat(pieces).length} of ${body.length} bytes`);
    },
  };
};

/** Whether a login ends with a code, which requires an answer that was understood, or with an error. */
const endOfLogin = async (target: LocalTarget, payer: string): Promise<Fate> => {
  const back = locationOf(await comeBack(await begin(target, {}, { payer })));
  if (back.searchParams.has('code')) return 'whole';
  if (['server_error', 'temporarily_unavailable'].includes(back.searchParams.get('error') ?? '')) return 'broken';
  throw new Error(back.href);
};

/** The token call of a login. */
export const tokenPath = (target: LocalTarget): Path => ({
  name: 'token call',
  sizes: [400, 20 * kilobyte, 200 * kilobyte],
  body: (bytes) => jsonOf(tokenAnswer(), bytes),
  run: (wire, _body, manner) => {
    target.payers.script('rotating-health', {
      token: byHand((response) => write(response, wire, payersPause(manner))),
    });
    return endOfLogin(target, 'rotating-health');
  },
});

/** The search for the patient after a login. */
export const searchPath = (target: LocalTarget): Path => ({
  name: 'patient search',
  sizes: [300, 20 * kilobyte, 1024 * kilobyte],
  body: (bytes) => jsonOf(bundleOf({ resourceType: 'Patient', id: patientId }), bytes),
  run: (wire, _body, manner) => {
    target.payers.script('plain-health', {
      r4: byHand((response) => write(response, wire, payersPause(manner))),
    });
    return endOfLogin(target, 'plain-health');
  },
});

/** A payer's statement, as discovery reads it, without the hour for which it is kept. */
export const metadataPath = (target: LocalTarget, http: PayerHttp): Path => ({
  name: 'metadata',
  sizes: [200, 20 * kilobyte, 1024 * kilobyte],
  body: (bytes) =>
    jsonOf({ resourceType: 'CapabilityStatement', kind: 'instance', rest: [{ mode: 'server', resource: [] }] }, bytes),
  run: async (wire, _body, manner) => {
    target.payers.script('slow-health', {
      r4: byHand((response) => write(response, wire, payersPause(manner))),
    });
    const payer = target.config.payers.find(({ id }) => id === 'slow-health') as Payer;
    const { statement } = await fetchStatement({ payerHttp: http }, payer, facadeOf(target.origin, payer));
    return statement === undefined ? 'broken' : 'whole';
  },
});
