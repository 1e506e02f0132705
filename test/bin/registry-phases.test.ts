import * as fc from 'fast-check';
import { compare, type Entries, type EntryChange } from '../../bin/registry/compare.ts';
import { phasesOf, type Step } from '../../bin/registry/phases.ts';
import type { ReadEntry } from '../../bin/shared/registry-table.ts';
import { writeEntryText } from '../../functions/shared/registry/entry-items.ts';
import type { Partner, Payer } from '../../functions/shared/registry/types.ts';
import { heldByPartner } from '../../functions/shared/scopes/limit-scopes.ts';
import { lettersHeld, parseScopes } from '../../functions/shared/scopes/scopes.ts';
import { localData } from '../support/gateway.ts';

const [payer, partner] = [localData().payers[0]!, localData().partners[1]!];
const scopes = ['patient/*.rs', 'patient/*.r', 'patient/Patient.rs', 'patient/Coverage.read', 'offline_access'];
const uris = ['https://one.example/cb', 'https://two.example/cb'];

const payersOf = fc.uniqueArray(
  fc.record({ id: fc.constantFrom('a', 'b', 'c'), patientFrom: fc.constantFrom('token', 'none') }),
  { selector: ({ id }) => id },
);
const partnersOf = fc.uniqueArray(
  fc.record({
    clientId: fc.constantFrom('p', 'q'),
    name: fc.constantFrom('One', 'Two'),
    payers: fc.subarray(['a', 'b', 'c']),
    scopes: fc.subarray(scopes),
    redirectUris: fc.subarray(uris, { minLength: 1 }),
    webOrigins: fc.subarray(['https://one.example', 'https://two.example']),
    consent: fc.constantFrom('gateway', 'partner'),
    pkceOptional: fc.boolean(),
    secretHashes: fc.subarray(['first', 'second', 'third'], { minLength: 1, maxLength: 2 }),
    exchange: fc
      .subarray(['1234567893', '1245319599'])
      .map((values) =>
        values.length === 0 ? undefined : { identifiers: values.map((value) => ({ system: 'npi', value })) },
      ),
    identityAudiences: fc
      .subarray(['one', 'two'])
      .map((audiences) => (audiences.length === 0 ? undefined : [{ issuer: 'https://csp.example', audiences }])),
  }),
  { selector: ({ clientId }) => clientId },
);
/** The check refuses a partner whose payer is not there. */
const entries: fc.Arbitrary<Entries> = fc.tuple(payersOf, partnersOf).map(([some, others]) => ({
  payers: some.map((one) => Object.assign({}, payer, one)),
  partners: others.map((one) => {
    const payers = one.payers.filter((id) => some.some((known) => known.id === id));
    return Object.assign({}, partner, one, { payers });
  }),
}));

type State = ReadonlyMap<string, object>;

const stateOf = ({ payers, partners }: Entries): State =>
  new Map<string, object>([
    ...payers.map((one) => [`payer#${one.id}`, one] as const),
    ...partners.map((one) => [`partner#${one.clientId}`, one] as const),
  ]);

/** All that members, partners and browsers may do in a state, one fact a line. */
const allowedIn = (state: State): ReadonlySet<string> => {
  const facts: string[] = [];
  for (const [key, value] of state) {
    if (!key.startsWith('partner#')) continue;
    const one = value as Partner;
    const held = heldByPartner(parseScopes(one.scopes));
    const reads = ['Patient', 'Coverage', 'Claim'].flatMap((type) =>
      lettersHeld(held, type, 'rs')
        .split('')
        .map((letter) => `${type}.${letter}`),
    );
    for (const id of one.payers) {
      const from = state.get(`payer#${id}`) as Payer | undefined;
      if (from === undefined) continue;
      const pair = `${one.clientId} at ${id}, ${from.patientFrom === 'none' ? 'any patient' : 'one patient'}`;
      for (const read of reads) facts.push(`${pair}: reads ${read}`);
      if (one.scopes.includes('offline_access')) facts.push(`${pair}: refreshes`);
      for (const uri of one.redirectUris) facts.push(`${pair}: redirects to ${uri}`);
      if (one.consent === 'partner') facts.push(`${pair}: asks its members itself`);
      if (one.pkceOptional) facts.push(`${pair}: omits PKCE`);
      for (const hash of one.secretHashes) facts.push(`${pair}: proves itself with ${hash}`);
      for (const plan of one.exchange?.identifiers ?? []) facts.push(`${pair}: asks as the plan ${plan.value}`);
      for (const audience of one.identityAudiences?.[0]?.audiences ?? [])
        facts.push(`${pair}: identifies to ${audience}`);
      for (const origin of one.webOrigins) facts.push(`${pair}: calls from ${origin}`);
    }
  }
  return new Set(facts);
};

const itemsOf = (state: State): ReadonlyMap<string, ReadEntry> =>
  new Map(
    [...state].map(([entryId, entry]) => [
      entryId,
      {
        entryId,
        entry,
        damaged: false,
        version: 1,
        seen: { N: '1' },
        stop: undefined,
        digest: writeEntryText(entry).digest,
      },
    ]),
  );

const phases = (before: Entries, after: Entries): readonly (readonly Step[])[] =>
  phasesOf(compare(after, itemsOf(stateOf(before))).changes);

const names = (steps: readonly Step[] | undefined): string[] =>
  (steps ?? []).map(({ change }: { change: EntryChange }) => change.entryId);

describe('the order of an apply', () => {
  it('allows at no moment, in any order within a phase, what neither the old nor the new file allows', () => {
    fc.assert(
      fc.property(entries, entries, fc.infiniteStream(fc.nat()), (before, after, numbers) => {
        const allowed = new Set([...allowedIn(stateOf(before)), ...allowedIn(stateOf(after))]);
        const state = new Map(stateOf(before));
        for (const phase of phases(before, after)) {
          const left = [...phase];
          while (left.length > 0) {
            const [step] = left.splice((numbers.next().value as number) % left.length, 1);
            const { change, entry } = step!;
            if (entry === undefined) state.delete(change.entryId);
            else state.set(change.entryId, entry);
            expect([...allowedIn(state)].filter((fact) => !allowed.has(fact))).toEqual([]);
          }
        }
        expect(state).toEqual(new Map(stateOf(after)));
      }),
      { numRuns: 2000, seed: 20_260_601 },
    );
  });

  const none = { ...payer, id: 'a', patientFrom: 'none' } as Payer;
  const token = { ...payer, id: 'a', patientFrom: 'token' } as Payer;
  const wide = { ...partner, clientId: 'p', payers: ['a'], scopes: ['patient/*.rs'] } as Partner;
  const narrow = { ...wide, scopes: ['patient/Patient.rs'] };

  it('is: removals and what narrows, then payers, then what widens', () => {
    const before = { payers: [token, { ...token, id: 'b' }], partners: [wide, { ...narrow, clientId: 'q' }] };
    const after = { payers: [none], partners: [narrow, { ...wide, clientId: 'q' }, { ...wide, clientId: 'r' }] };

    expect(phases(before, after).map(names)).toEqual([
      ['payer#b', 'partner#p'],
      ['payer#a'],
      ['partner#q', 'partner#r'],
    ]);
  });

  it('writes a partner twice only if it loses and gains something while a payer of its changes', () => {
    const mixed = { ...narrow, scopes: ['patient/Patient.rs', 'offline_access'] };

    expect(phases({ payers: [token], partners: [wide] }, { payers: [none], partners: [mixed] }).map(names)).toEqual([
      ['partner#p'],
      ['payer#a'],
      ['partner#p'],
    ]);
    expect(phases({ payers: [token], partners: [wide] }, { payers: [token], partners: [mixed] }).map(names)).toEqual([
      ['partner#p'],
      [],
      [],
    ]);
  });
});
