import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { fieldChanges } from '../../bin/registry/fields.ts';
import { readOne } from '../../bin/shared/registry-table.ts';
import { stopEntry } from '../../bin/shared/registry-writes.ts';
import { localStage } from '../../config/local.ts';
import { parseScopes } from '../../functions/shared/scopes/scopes.ts';
import { putGrant, revoke } from '../../functions/shared/store/grants.ts';
import { startMs } from '../support/gateway.ts';
import { livingGrant, type NewGrant } from '../support/living-grant.ts';
import { registryTool, withEntry, type RegistryTool } from './registry-tool.ts';

const now = startMs / 1000;
const stage = localStage();
let tool: RegistryTool;
beforeEach(async () => {
  tool = await registryTool();
  await tool.fill();
  await tool.write(stage);
});
afterEach(() => tool.close());

const changeByHand = (entryId: string, entry = '{"by":"hand"}') =>
  tool.client.send(
    new UpdateItemCommand({
      TableName: tool.table.name,
      Key: { entryId: { S: entryId } },
      UpdateExpression: 'SET entry = :e',
      ExpressionAttributeValues: { ':e': { S: entry } },
    }),
  );

const stop = async (entryId: string, until?: number) => {
  const item = await readOne(tool.table, entryId);
  await stopEntry(tool.table, item!, { at: now - 60, until, by: 'arn:someone', reason: 'a leak' });
};

let made = 0;
const putLiving = (change: Partial<NewGrant> = {}) => {
  made += 1;
  const scope = parseScopes('patient/*.rs offline_access');
  const grant = livingGrant(now, { grantId: `grant-${made}`, scope, ...change });
  return putGrant(tool.grants, grant, { now, requestId: 'request-1' });
};

describe('npm run registry -- diff', () => {
  it('finds no difference after the first deployment, and exits with 0', async () => {
    const { code, out } = await tool.run('diff');

    expect(code).toBe(0);
    expect(out.split('\n')).toEqual([
      `Stage local: ${tool.file} and the table p2p-gateway-local-TablesRegistry1`,
      'Nothing was applied yet.',
      '',
      'No difference: 2 payers, 3 partners.',
    ]);
  });

  it('names what is added, changed and removed, field by field, and exits with 3', async () => {
    const changed = withEntry(
      'payers',
      'northwind',
      {
        displayName: 'Northwind Mutual',
        quirks: { ...stage.payers[1]!.quirks, pkce: false, extraTokenParameters: { audience: 'private' } },
      },
      stage,
    );
    const removed = withEntry('partners', 'third-party-app', undefined, changed);
    const added = { ...stage.partners[2], clientId: 'new-app', name: 'New App' };
    await tool.write({ ...removed, partners: [...removed.partners, added] });

    const { code, out } = await tool.run('diff');

    expect(code).toBe(3);
    expect(out.split('\n').slice(2)).toEqual([
      '',
      '~ payer northwind',
      '    displayName: "Northwind Health" → "Northwind Mutual"',
      '    quirks.pkce: true → false',
      '    quirks.extraTokenParameters: added: audience',
      '+ partner new-app',
      '- partner third-party-app',
      '',
      '1 added, 1 changed, 1 removed.',
    ]);
    expect(out).not.toContain('private');
  });

  it('says of secrets only how many hashes change', async () => {
    const hash = `${'B'.repeat(42)}A`;
    await tool.write(withEntry('partners', 'demo-partner', { secretHashes: [hash] }));

    const { out } = await tool.run('diff');
    const { out: json } = await tool.run('diff', ['--json']);

    expect(out).toContain('    secretHashes: 1 added, 1 removed\n');
    for (const text of [out, json]) {
      expect(text).not.toContain(hash);
      expect(text).not.toContain(stage.partners[0]!.secretHashes[0]);
    }
  });

  it('tells who is blocked or paused, by whom, since when and why, and that this is no difference', async () => {
    await stop('partner#demo-app');
    await stop('payer#northwind', now + 600);
    await stop('payer#demo-health-plan', now - 1);

    const { code, out } = await tool.run('diff');

    expect(code).toBe(0);
    expect(out).toContain(
      [
        'Stopped, which apply does not change:',
        '  partner demo-app: blocked since 2026-06-01T11:59:00Z, by arn:someone: a leak',
        '  payer northwind: paused since 2026-06-01T11:59:00Z until 2026-06-01T12:10:00Z, by arn:someone: a leak',
      ].join('\n'),
    );
    expect(out).not.toContain('payer demo-health-plan:');
  });

  it('finds what was changed by hand: entries, and pages', async () => {
    await changeByHand('partner#demo-app');
    await changeByHand('payer#unknown');
    await changeByHand('origins#0');
    await changeByHand('something#else');

    const { code, out } = await tool.run('diff');

    expect(code).toBe(3);
    expect(out).toContain('! partner demo-app\n    was changed by hand, and is written again\n');
    expect(out).toContain('- payer unknown\n    was changed by hand\n');
    expect(out).toMatch(/Pages that do not fit the entries, which apply writes again:\n.* {2}origins#0\n/s);
    expect(out).not.toContain('something');
    expect(out).toContain('1 removed, 1 repaired.');
  });

  it('prints the same as JSON', async () => {
    await stop('partner#demo-app');
    await tool.write(withEntry('payers', 'northwind', { displayName: 'New' }));

    const { code, out } = await tool.run('diff', ['--json']);

    expect(code).toBe(3);
    expect(JSON.parse(out)).toEqual({
      stage: 'local',
      file: tool.file,
      table: tool.table.name,
      differs: true,
      lastApply: null,
      entries: [
        {
          kind: 'payer',
          id: 'northwind',
          change: 'changed',
          fields: [{ field: 'displayName', what: '"Northwind Health" → "New"' }],
          livingGrantsEnded: 0,
        },
      ],
      stopped: [{ entryId: 'partner#demo-app', stop: { at: now - 60, by: 'arn:someone', reason: 'a leak' } }],
      damaged: [],
      stalePages: [],
      livingGrantsEnded: 0,
      isEstimate: false,
      exchanges: [],
    });
  });
});

describe('the count of living grants that would end', () => {
  const count = async (config: object): Promise<[number, string]> => {
    await tool.write(config);
    const { out } = await tool.run('diff', ['--json']);
    const { entries, livingGrantsEnded } = JSON.parse(out) as {
      entries: { kind: string; id: string; livingGrantsEnded: number }[];
      livingGrantsEnded: number;
    };
    const by = entries.filter(({ livingGrantsEnded: ended }) => ended > 0).map(({ kind, id }) => `${kind} ${id}`);
    return [livingGrantsEnded, by.join(', ')];
  };

  it('has those of a partner or payer that is removed, and of a payer that a partner loses', async () => {
    await putLiving();
    await putLiving({ payer: 'demo-health-plan' });
    await putLiving({ partner: 'third-party-app' });

    expect(await count(withEntry('partners', 'demo-app', undefined))).toEqual([2, 'partner demo-app']);
    expect(await count(withEntry('partners', 'demo-app', { payers: ['northwind'] }))).toEqual([1, 'partner demo-app']);
    const none = { payers: ['demo-health-plan'] };
    const without = ['demo-partner', 'demo-app', 'third-party-app'].reduce(
      (config, id) => withEntry('partners', id, none, config),
      withEntry('payers', 'northwind', undefined),
    );
    expect(await count(without)).toEqual([2, 'payer northwind']);
    await tool.write(without);
    expect((await tool.run('diff')).out).toContain('- payer northwind\n    2 living grants would end\n');
    expect((await tool.run('diff')).out).toMatch(/2 living grants would end\.$/);
  });

  it('has no grant that has expired, was ended, or had ended before by the table itself', async () => {
    await putLiving({ expiresAt: now });
    await putLiving({ partner: 'removed-long-ago' });
    await putLiving({ patient: undefined });
    await putLiving();
    await revoke(tool.grants, `grant-${made}`, 'byPartner', { now, requestId: 'request-2' });

    expect(await count(withEntry('partners', 'demo-app', undefined))).toEqual([0, '']);
  });

  it('has those without a patient, if the payer is to name one from now on', async () => {
    const unbound = withEntry('payers', 'northwind', { patientFrom: 'none' });
    await tool.write(unbound);
    await tool.apply();
    await putLiving();
    await putLiving({ patient: undefined });

    expect(await count(stage)).toEqual([1, 'payer northwind']);
    expect(await count(withEntry('payers', 'northwind', { displayName: 'New' }, unbound))).toEqual([0, '']);
  });

  it('has those that could read nothing any more, or refresh nothing', async () => {
    await putLiving({ scope: parseScopes('patient/Patient.rs offline_access') });
    await putLiving({ scope: parseScopes('patient/Coverage.rs') });
    await putLiving({ scope: parseScopes('patient/Coverage.rs offline_access'), refreshable: false });

    const scopes = ['patient/Coverage.rs', 'offline_access'];
    expect(await count(withEntry('partners', 'demo-app', { scopes }))).toEqual([1, 'partner demo-app']);
    expect(await count(withEntry('partners', 'demo-app', { scopes: ['patient/*.rs'] }))).toEqual([
      2,
      'partner demo-app',
    ]);
  });

  it('is made only if a change could end a grant', async () => {
    await tool.write(withEntry('partners', 'demo-app', { name: 'New' }));

    expect((await tool.run('diff', ['--grants-table', 'none'])).code).toBe(3);
    await tool.write(withEntry('partners', 'demo-app', undefined));
    await expect(tool.run('diff', ['--grants-table', 'none'])).rejects.toThrow(
      'There is no table none in this account',
    );
  });
});

it.each<[what: string, field: string, before: unknown, after: unknown, told: string]>([
  ['another order', 'scopes', ['a', 'b'], ['b', 'a'], 'in another order'],
  ['one more', 'scopes', ['a'], ['a', 'b'], 'added "b"'],
  ['five more', 'scopes', [], [1, 2, 3, 4, 5], 'added 1, 2, 3, 4, 5'],
  ['six more', 'scopes', [], [1, 2, 3, 4, 5, 6], 'added 1, 2, 3, 4, 5 and 1 more'],
  ['one less', 'scopes', ['a', 'b'], ['a'], 'removed "b"'],
  ['one in place of another', 'scopes', ['a'], ['b'], 'added "b"; removed "a"'],
  ['a key by its kid', 'jwks', [], [{ kid: 'k-1', x: 'canary' }], 'added key "k-1"'],
  ['a hash more', 'secretHashes', ['canary'], ['canary', 'canary-2'], '1 added'],
  ['a hash less', 'secretHashes', ['canary', 'canary-2'], ['canary'], '1 removed'],
])('a list of an entry that has %s is told as that', (_what, field, before, after, told) => {
  expect(fieldChanges({ [field]: before }, { [field]: after })).toEqual([{ field, what: told }]);
});

it('a value is shown up to 80 characters, and a parameter that may be a secret is not shown', () => {
  const told = (name: string): string | undefined => fieldChanges({}, { name })[0]?.what;

  expect(told('x'.repeat(78))).toBe(`none → "${'x'.repeat(78)}"`);
  expect(told('x'.repeat(79))).toBe(`none → "${'x'.repeat(79)}…`);
  expect(fieldChanges({ quirks: {} }, { quirks: { extraTokenParameters: { key: 'canary' } } })).toEqual([
    { field: 'quirks.extraTokenParameters', what: 'added: key' },
  ]);
  const changed = { quirks: { extraTokenParameters: { key: 'canary-2' } } };
  expect(fieldChanges({ quirks: { extraTokenParameters: { key: 'canary' } } }, changed)).toEqual([
    { field: 'quirks.extraTokenParameters.key', what: 'changed' },
  ]);
});
