import { auditObjects, tableItems } from '../support/stored-text.ts';
import { recordOf } from './record.ts';
import { differences, startExportStack, type ExportStack } from './stack.ts';

/** The spellings in which a text could be stored: plain, base64 and hex. */
const spellingsOf = (text: string): readonly string[] => [
  text,
  ...[0, 1, 2].map((shift) => {
    // Base64 has three spellings, depending on the text's offset. Its edges also encode neighboring bytes, and are cut.
    const encoded = Buffer.concat([Buffer.alloc(shift), Buffer.from(text)]).toString('base64');
    return encoded.slice(Math.ceil((shift * 8) / 6) + 1, -4);
  }),
  Buffer.from(text).toString('hex'),
];

/** Every place where an export stores or logs anything, as text. */
const placesOf = async ({ stack, printed }: ExportStack): Promise<ReadonlyMap<string, string>> => {
  const tables = [...(await tableItems(stack))].map(([name, items]) => [`table ${name}`, items.join('\n')] as const);
  const audit = [...(await auditObjects(stack)).values()].join('\n');
  return new Map([
    ...tables,
    ['audit', audit],
    ['objects', [...stack.storedObjects()].map(([name, bytes]) => `${name}\n${bytes.toString('latin1')}`).join('\n')],
    ['durable store', stack.durable.dump()],
    ['calls of AWS', JSON.stringify(stack.calls())],
    ['logs', printed.join('\n')],
  ]);
};

it('tables, bucket, history and logs of an export hold no token, no name, no birth date and no resource in the clear', async () => {
  const world = await startExportStack({ record: recordOf(200), pageSize: 20 });
  try {
    const { payer, expected } = world;
    const refused = new Set<number>();
    payer.trouble(({ number, path }) => {
      if (number % 9 !== 5 || refused.has(number)) return undefined;
      refused.add(number);
      if (path.startsWith('Observation')) payer.endTokens();
      return { kind: 'status', status: 401 };
    });
    const one = await world.begin();
    const early = await placesOf(world);
    const manifest = await one.finish();
    expect(differences(await one.download(manifest), expected())).toEqual([]);
    const late = await placesOf(world);

    const secrets = {
      'access token': one.token,
      'refresh token of the payer': 'payer-refresh-secret',
      "payer's secret": 'our-secret-at-the-payer',
      name: 'Secretname',
      'birth date': '1950-02-03',
      resource: 'valueQuantity',
      'type of a resource': 'resourceType":"Observation',
      ...Object.fromEntries(payer.tokens.map((token) => [token, token])),
    };
    const found: string[] = [];
    for (const [when, places] of [
      ['while it ran', early],
      ['after its end', late],
    ] as const) {
      for (const [place, text] of places) {
        for (const [what, secret] of Object.entries(secrets)) {
          if (spellingsOf(secret).some((spelling) => text.includes(spelling)))
            found.push(`${what} in ${place}, ${when}`);
        }
      }
    }
    expect(found).toEqual([]);
    // Proves that the search looks at the right places.
    expect(late.get('table exports')).toContain(one.exportId);
    expect(late.get('objects')).toContain('age-encryption.org/v1');
    expect(late.get('durable store')).toContain(one.exportId);
    expect(late.get('logs')).toContain('"outcome":"completed"');
    expect(payer.tokens.length).toBeGreaterThan(1);
  } finally {
    await world.close();
  }
});
