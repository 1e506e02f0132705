import { payerFinder } from '../../../../functions/discovery/connect/find-payers.ts';
import { searchIndex } from '../../../../functions/discovery/connect/search-index.ts';
import type { DirectoryEntry } from '../../../../functions/shared/registry/entry-items.ts';
import type { Registry } from '../../../../functions/shared/registry/registry.ts';
import { localData } from '../../../support/gateway.ts';
import { directoryOf, stageWith } from '../directory-stage.ts';

const redirectUri = 'http://localhost:3002/callback';
const request = { client_id: 'demo-partner', redirect_uri: redirectUri, state: 'a state', response_type: 'code' };
const thirdParty = {
  client_id: 'third-party-app',
  redirect_uri: 'http://localhost:3002/third-party/callback',
  code_challenge: 'x'.repeat(43),
  code_challenge_method: 'S256',
};
const reference = /[0-9a-f]{8}-[0-9a-f]{4}/;

interface Found {
  readonly total: number;
  readonly payers: readonly { readonly id: string; readonly available: boolean; readonly name: string }[];
}
const foundOf = ({ body }: { readonly body: string }): Found => JSON.parse(body) as Found;
const namesOf = (body: string): string[] =>
  [...body.matchAll(/<strong>(.*?)<\/strong>/g)].map(([, name]) => name ?? '');
const statusOf = (body: string): string => /role="status">(.*?)</.exec(body)?.[1] ?? '';
const manyPlans = Array.from({ length: 30 }, (_, index) => ({ displayName: `Plan ${String(index).padStart(2, '0')}` }));

describe('the page that finds a plan', () => {
  it('shows all plans of an app that has few, and carries the app’s request', async () => {
    const { body, statusCode } = await directoryOf().get('/connect', { ...request, ui_locales: 'en' });

    expect(statusCode).toBe(200);
    expect(namesOf(body)).toEqual(['Demo Health Plan', 'Northwind Health']);
    expect(statusOf(body)).toBe('2 health plans found.');
    expect(body).toContain('Demo Partner asks for your health record. Choose the plan that has it.');
    expect(body).toContain('<a href="http://localhost:3002/">Go back to Demo Partner</a>');
    for (const [name, value] of Object.entries(request)) {
      expect(body).toContain(`<input type="hidden" name="${name}" value="${value}" />`);
    }
  });

  it('searches without a script', async () => {
    const { body } = await directoryOf().get('/connect', { ...request, q: 'northw' });

    expect(namesOf(body)).toEqual(['Northwind Health']);
    expect(statusOf(body)).toBe('1 health plan found.');
    expect(body).toContain('Also known as: Northwind Mutual');
    expect(body).toContain('value="northw"');
    expect(body).not.toContain('type="hidden" name="q"');
  });

  it('shows at most 20 of many, none before something is typed, and says how many there are', async () => {
    const { get } = directoryOf(stageWith(manyPlans));
    const first = await get('/connect', request);
    const typed = await get('/connect', { ...request, q: 'plan' });

    expect([namesOf(first.body), statusOf(first.body)]).toEqual([
      [],
      'Type the name. 30 health plans can be found here.',
    ]);
    expect(namesOf(typed.body)).toHaveLength(20);
    expect(statusOf(typed.body)).toContain('30 health plans found. These fit best.');
  });

  it('is limited to the plans of the app', async () => {
    const partners = localData().partners.map((one) => Object.assign({}, one, { payers: ['northwind'] }));
    const { get } = directoryOf({ ...localData(), partners });

    expect(namesOf((await get('/connect', request)).body)).toEqual(['Northwind Health']);
    expect(statusOf((await get('/connect', { ...request, q: 'demo' })).body)).toMatch(/^No health plan of this name/);
    expect((await get('/connect', { ...request, payer: 'demo-health-plan' })).statusCode).toBe(400);
  });

  it('says so if the app has no plan yet', async () => {
    const partners = localData().partners.map((one) => Object.assign({}, one, { payers: [] }));
    const { body } = await directoryOf({ ...localData(), partners }).get('/connect', request);

    expect(statusOf(body)).toBe('No health plan is connected to this app yet.');
  });

  it('speaks Spanish', async () => {
    const { body } = await directoryOf().get('/connect', { ...request, ui_locales: 'es' });

    expect(body).toContain('<html lang="es">');
    expect(statusOf(body)).toBe('Se encontraron 2 planes de salud.');
    expect(body).toContain('Demo Partner pide su expediente médico. Elija el plan que lo tiene.');
    expect(body).toContain('Regresar a Demo Partner');
  });

  it('says in Spanish that a search is too long', async () => {
    const { body } = await directoryOf().get('/connect', { ...request, q: 'x'.repeat(101), ui_locales: 'es' });

    expect(statusOf(body)).toBe('Es demasiado largo. Escriba como máximo 100 caracteres del nombre.');
  });

  it('shows exactly 20 plans before something is typed, also if that is only a space', async () => {
    const { get } = directoryOf(stageWith(manyPlans.slice(0, 20)));

    for (const q of ['', ' ']) expect(namesOf((await get('/connect', { ...request, q })).body)).toHaveLength(20);
  });

  it('shows a paused plan as not available, and offers no way to it', async () => {
    const { get, stops } = directoryOf();
    stops.set('payer#northwind', { at: 1, by: 'arn', reason: 'asked' });
    const { body } = await get('/connect', request);
    const button = /<button class="plan" name="payer" value="northwind"[^>]*>/.exec(body)?.[0];
    const chosen = await get('/connect', { ...request, payer: 'northwind' });

    expect(button).toContain(' disabled');
    expect(body).toContain('<em>Not available right now</em>');
    expect(body).toMatch(
      /<button class="plan" name="payer" value="demo-health-plan"><strong>Demo Health Plan<\/strong>(?:<span class="muted">[^<]+<\/span>){2}<\/button>/,
    );
    expect(chosen.statusCode).toBe(503);
    expect(chosen.body).toContain('<h1>Northwind Health is not available right now</h1>');
    expect(chosen.body).not.toContain('/oauth2/authorize/');
  });

  it('refuses a search that is too long, on the page, with what was typed cut', async () => {
    const { body, statusCode } = await directoryOf().get('/connect', { ...request, q: 'x'.repeat(10_000) });

    expect(statusCode).toBe(400);
    expect(statusOf(body)).toBe('That is too long. Write at most 100 characters of the name.');
    expect(body).not.toContain('x'.repeat(101));
  });

  it('escapes markup in names, in what was typed and in the app’s request', async () => {
    const evil = '"><script>alert(1)</script>';
    const names = {
      displayName: evil,
      linesOfBusiness: [evil],
      brand: { website: 'https://a.example', otherNames: [evil] },
    };
    const { get } = directoryOf(stageWith([names]));
    const shown = await get('/connect', { ...request, state: evil, [evil]: 'x', q: 'script' });
    const typed = await get('/connect', { ...request, q: evil });
    const chosen = await get('/connect', { ...request, payer: 'plan-0' });

    expect(namesOf(shown.body)).toHaveLength(1);
    for (const { body } of [shown, typed, chosen]) expect(body).not.toContain('<script>alert');
  });

  it('loads nothing, calls only its own origin, and runs only its own script and styles', async () => {
    const { headers, body } = await directoryOf().get('/connect', request);
    const policy = headers['Content-Security-Policy'] ?? '';

    expect(policy).toMatch(/default-src 'none'.*script-src 'sha256-[^']+'; connect-src 'self'/);
    expect(policy).toContain("form-action 'self' http://localhost:3002;");
    expect(policy).not.toContain('unsafe');
    expect(body).not.toMatch(/ (?:src|srcset)="(?!data:)|<link|@import|url\(/);
    expect(headers).toMatchObject({ 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' });
  });

  it('is under 30 KB with 20 plans that have everything', async () => {
    const long = 'A Rather Long Name of a Health Plan';
    const { get } = directoryOf(
      stageWith(
        manyPlans.map(({ displayName }) => ({
          displayName: `${displayName} ${long}`,
          linesOfBusiness: ['Commercial', 'Medicare Advantage', 'Medicaid'],
          brand: { website: 'https://a.example', otherNames: [long, long] },
        })),
      ),
    );
    const { body } = await get('/connect', { ...request, q: 'plan', ui_locales: 'es' });

    expect(namesOf(body)).toHaveLength(20);
    expect(Buffer.byteLength(body)).toBeLessThan(30_000);
  });
});

describe('a request that cannot be trusted gets a page, and no redirect:', () => {
  const cases: readonly (readonly [string, Record<string, string>])[] = [
    ['no client', { redirect_uri: redirectUri }],
    ['an unknown client', { ...request, client_id: 'nobody' }],
    ['no redirect URI', { client_id: 'demo-partner' }],
    ['a redirect URI that is not registered', { ...request, redirect_uri: 'https://evil.example/callback' }],
    ['a redirect URI that only begins like a registered one', { ...request, redirect_uri: `${redirectUri}/more` }],
    ['a script for a redirect URI', { ...request, redirect_uri: 'javascript:alert(1)' }],
  ];

  it.each(cases)('%s', async (_what, query) => {
    const { get } = directoryOf();
    for (const more of [[], [['payer', 'northwind']], [['q', 'north']]]) {
      const { statusCode, headers, body } = await get('/connect', {
        ...query,
        ...(Object.fromEntries(more) as object),
      });
      expect(statusCode).toBe(400);
      expect(headers).not.toHaveProperty('Location');
      expect(body).toMatch(reference);
      // The language switch repeats the query, and leads nowhere else.
      expect(body).not.toMatch(/(?:href|action)="[^?"]*(?:evil\.example|javascript:|\/more)/);
    }
  });

  it('a client that an operator has blocked', async () => {
    const { get, stops } = directoryOf();
    stops.set('partner#demo-partner', { at: 1, by: 'arn', reason: 'leak' });

    for (const more of [[], [['payer', 'northwind']]]) {
      const { statusCode, headers } = await get('/connect', { ...request, ...(Object.fromEntries(more) as object) });
      expect(statusCode).toBe(403);
      expect(headers).not.toHaveProperty('Location');
    }
  });

  it.each(['nobody', '../demo-health-plan', 'northwind/../../x', '<b>', 'x'.repeat(3000)])(
    'the payer %j',
    async (payer) => {
      const { statusCode, headers, body } = await directoryOf().get('/connect', { ...request, payer });
      expect(statusCode).toBe(400);
      expect(headers).not.toHaveProperty('Location');
      expect(body).not.toContain('<b>');
    },
  );
});

describe('the step after the choice', () => {
  const hrefOf = (body: string): URL =>
    new URL((/class="button" href="(.*?)"/.exec(body)?.[1] ?? '').replaceAll('&amp;', '&'));

  it('says what the app will read until when, and goes on with the same request and the plan’s aud', async () => {
    const { body, statusCode } = await directoryOf().get('/connect', { ...request, q: 'nor', payer: 'northwind' });
    const href = hrefOf(body);

    expect(statusCode).toBe(200);
    expect(body).toContain('<h1>Get your record from Northwind Health</h1>');
    expect(body).toContain('<li>Claims and what they cost</li>');
    expect(body).toMatch(/until August 30, 2026 at the latest/);
    expect(body).toContain('<p>Demo Partner will read this from your record at Northwind Health:</p>');
    expect(body).toContain('<p>This works for members of: Marketplace, Medicaid.</p>');
    expect(body).toContain('<p>Next, Northwind Health will ask you to sign in. Nothing is shared before that.</p>');
    expect(body).toContain('>Continue to Northwind Health</a>');
    expect(`${href.origin}${href.pathname}`).toBe('http://localhost:3000/oauth2/authorize/northwind');
    expect(Object.fromEntries(href.searchParams)).toEqual({ ...request, aud: 'http://localhost:3000/r4/northwind' });
  });

  it('says all that in Spanish', async () => {
    const { body } = await directoryOf().get('/connect', { ...request, payer: 'northwind', ui_locales: 'es' });

    for (const said of [
      '<h1>Obtener su expediente de Northwind Health</h1>',
      '<p>Demo Partner leerá esto de su expediente en Northwind Health:</p>',
      '<p>Podrá leer su expediente como máximo hasta el 30 de agosto de 2026.</p>',
      '<p>Esto funciona para miembros de: Marketplace, Medicaid.</p>',
      '<p>Después, Northwind Health le pedirá que inicie sesión. Antes de eso no se comparte nada.</p>',
      '>Continuar a Northwind Health</a>',
    ]) {
      expect(body).toContain(said);
    }
  });

  it('says in Spanish that a plan is paused', async () => {
    const { get, stops } = directoryOf();
    stops.set('payer#northwind', { at: 1, by: 'arn', reason: 'asked' });
    const { body } = await get('/connect', { ...request, payer: 'northwind', ui_locales: 'es' });

    expect(body).toContain('<h1>Northwind Health no está disponible por ahora</h1>');
  });

  it('replaces an aud and a resource that the app sent', async () => {
    const sent = { aud: 'http://localhost:3000/r4/demo-health-plan', resource: 'x' };
    const { body } = await directoryOf().get('/connect', { ...request, ...sent, payer: 'northwind' });
    const base = 'http://localhost:3000/r4/northwind';

    expect(Object.fromEntries(hrefOf(body).searchParams)).toMatchObject({ aud: base, resource: base });
  });

  it('is the consent page where the gateway asks for consent', async () => {
    const { statusCode, headers } = await directoryOf().get('/connect', { ...thirdParty, payer: 'northwind' });

    expect(statusCode).toBe(302);
    expect(headers['Location']).toMatch(
      /^http:\/\/localhost:3000\/oauth2\/authorize\/northwind\?client_id=third-party-app&/,
    );
  });

  it('tells the app of a mistake in its request, as authorize does', async () => {
    const { statusCode, headers } = await directoryOf().get('/connect', {
      ...request,
      response_type: 'token',
      payer: 'northwind',
    });
    const location = new URL(headers['Location'] ?? '');

    expect(statusCode).toBe(302);
    expect(`${location.origin}${location.pathname}`).toBe(redirectUri);
    expect(Object.fromEntries(location.searchParams)).toMatchObject({
      error: 'unsupported_response_type',
      state: 'a state',
      iss: 'http://localhost:3000/r4/northwind',
    });
  });
});

describe('the search of the script', () => {
  const query = { client_id: 'demo-partner' };

  it('answers the best as JSON', async () => {
    const answer = await directoryOf().get('/connect/payers', { ...query, q: 'demonstration' });

    expect(answer.headers).toMatchObject({ 'Content-Type': 'application/json', 'Cache-Control': 'public, max-age=20' });
    expect(foundOf(answer)).toEqual({
      total: 1,
      payers: [
        {
          id: 'demo-health-plan',
          name: 'Demo Health Plan',
          otherNames: ['DHP', 'Demonstration Health'],
          linesOfBusiness: ['Commercial', 'Medicare Advantage'],
          available: true,
        },
      ],
    });
  });

  it('takes 100 characters, and says in the log how many too many were', async () => {
    const { get, lines } = directoryOf();

    expect((await get('/connect/payers', { ...query, q: 'x'.repeat(100) })).statusCode).toBe(200);
    expect((await get('/connect/payers', { ...query, q: 'x'.repeat(101) })).statusCode).toBe(400);
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ detail: 'a search of 101 characters' });
  });

  it('has at most 20 of many', async () => {
    const found = foundOf(await directoryOf(stageWith(manyPlans)).get('/connect/payers', { ...query, q: 'plan' }));

    expect([found.total, found.payers.length]).toEqual([30, 20]);
  });

  it('marks a paused plan', async () => {
    const { get, stops } = directoryOf();
    stops.set('payer#northwind', { at: 1, by: 'arn', reason: 'asked' });

    expect(foundOf(await get('/connect/payers', query)).payers.map(({ available }) => available)).toEqual([
      true,
      false,
    ]);
  });

  it.each([
    ['no client', {}, 'client_id is missing.'],
    [
      'an unknown client',
      { client_id: '<b>' },
      'No app with this client_id is registered. Send a registered client_id, or none for every health plan.',
    ],
    ['10 kB', { ...query, q: 'x'.repeat(10_000) }, 'q is too long: at most 100 characters.'],
  ])('refuses %s', async (_what, sent, message) => {
    const { statusCode, body } = await directoryOf().get('/connect/payers', sent);

    expect(statusCode).toBe(400);
    expect(JSON.parse(body)).toEqual({
      error: 'invalid_request',
      error_description: expect.stringContaining(message) as unknown,
    });
    expect(body).not.toContain('<b>');
  });
});

it('no line of the log has what a member typed, or the app’s state', async () => {
  const { get, lines } = directoryOf();
  await get('/connect', { ...request, q: 'my-old-plan' });
  await get('/connect/payers', { client_id: 'demo-partner', q: 'my-old-plan' });
  await get('/connect', { ...request, payer: 'my-old-plan' });

  expect(lines).toHaveLength(3);
  for (const line of lines) {
    expect(line).not.toMatch(/my-old-plan|a state/);
    expect(JSON.parse(line)).toMatchObject({
      function: 'discovery',
      route: expect.stringMatching('^/connect') as unknown,
    });
  }
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ partner: 'demo-partner', outcome: 'ok' });
});

const plans: readonly DirectoryEntry[] = [
  { id: 'bluecross-tx', displayName: 'BlueCross BlueShield of Texas', linesOfBusiness: ['Marketplace'] },
  { id: 'shield', displayName: 'Shield Blue Mutual' },
  {
    id: 'seguros',
    displayName: 'Compañía de Seguros Médicos',
    brand: { website: 'https://s.example', otherNames: ['Former Atlantic Health'] },
  },
  {
    id: 'atlantic',
    displayName: 'Atlantic',
    brand: {
      website: 'https://a.example',
      identifiers: { payerId: ['ATL-77'], naic: ['60054'], hios: ['33602'], npi: ['1234567893'] },
    },
  },
  { id: 'atlantic-care', displayName: 'Atlantic Care & Co', linesOfBusiness: ['Medicare Advantage'] },
  { id: 'obrien', displayName: "O'Brien Health" },
  { id: 'markup', displayName: '<b>Bold</b> Plan' },
];
const searchAmong = (typed: string, isAllowed: (id: string) => boolean): string[] =>
  searchIndex(plans)(typed, isAllowed).map(({ id }) => id);
const find = (typed: string): string[] => searchAmong(typed, () => true);

describe('the search for a plan', () => {
  it.each([
    ['the beginning of a name', 'atla', 'atlantic'],
    ['another case', 'ATLANTIC', 'atlantic'],
    ['accents', 'compania medicos', 'seguros'],
    ['accents that the name does not have', 'Atlántic', 'atlantic'],
    ['words in another order', 'texas blueshield', 'bluecross-tx'],
    ['two words for one', 'blue cross', 'bluecross-tx'],
    ['one word for two', 'shieldblue', 'shield'],
    ['an apostrophe, or none', 'obrien', 'obrien'],
    ['a curly apostrophe', 'O’Brien', 'obrien'],
    ['"and" for &', 'care and co', 'atlantic-care'],
    ['another name', 'former atl', 'seguros'],
    ['the payer ID', 'ATL-77', 'atlantic'],
    ['the payer ID, without its hyphen', 'atl77', 'atlantic'],
    ['the NAIC code', '60054', 'atlantic'],
    ['the HIOS ID', '33602', 'atlantic'],
    ['the NPI', '1234567893', 'atlantic'],
    ['the id in our URLs', 'bluecross-tx', 'bluecross-tx'],
    ['a kind of plan', 'medicare', 'atlantic-care'],
    ['a missing letter', 'atlntic', 'atlantic'],
    ['a wrong letter', 'texes', 'bluecross-tx'],
    ['two letters swapped', 'txeas', 'bluecross-tx'],
    ['two mistakes in a long word', 'atlatnik', 'atlantic'],
  ])('takes %s', (_what, typed, id) => {
    expect(find(typed)[0]).toBe(id);
  });

  it('shows the very name first, then names that begin so, then other names', () => {
    expect(find('atlantic')).toEqual(['atlantic', 'atlantic-care', 'seguros']);
  });

  describe('orders what it finds', () => {
    const named = (displayName: string, more: Partial<DirectoryEntry> = {}): DirectoryEntry => ({
      id: displayName.toLowerCase().replaceAll(/\W+/g, ''),
      displayName,
      ...more,
    });
    const inOrder = (entries: readonly DirectoryEntry[], typed: string): string[] =>
      searchIndex(entries)(typed, () => true).map(({ displayName }) => displayName);
    const mutual = named('Beta Mutual', { brand: { website: 'https://b.example', otherNames: ['Zeta of Ohio'] } });
    const market = named('Acme Market', { linesOfBusiness: ['Zeta plans'] });

    it.each([
      [[market, mutual, named('Alpha Zeta'), named('Zeta Health'), named('Zeta')]],
      [[named('Zeta'), named('Zeta Health'), named('Alpha Zeta'), mutual, market]],
    ])('by where the word is, not by letters or as they came', (entries) => {
      expect(inOrder(entries, 'zeta')).toEqual(['Zeta', 'Zeta Health', 'Alpha Zeta', 'Beta Mutual', 'Acme Market']);
    });

    it('a whole word before the beginning of one, in the midst of a name', () => {
      expect(inOrder([named('A Zetamax'), named('B Zeta')], 'zeta')).toEqual(['B Zeta', 'A Zetamax']);
    });

    it('by the letters of names that are as good', () => {
      expect(inOrder([named('C Zeta'), named('A Zeta'), named('B Zeta')], 'zeta')).toEqual([
        'A Zeta',
        'B Zeta',
        'C Zeta',
      ]);
      expect(inOrder([named('C Zeta'), named('A Zeta'), named('B Zeta')], 'zetb')).toEqual([
        'A Zeta',
        'B Zeta',
        'C Zeta',
      ]);
    });

    it('by the best place of a word that a payer has in several', () => {
      const both = named('B Zeta', { linesOfBusiness: ['Zeta'] });
      const plan = named('A Acme', { linesOfBusiness: ['Zeta'] });
      expect(inOrder([plan, both], 'zeta')).toEqual(['B Zeta', 'A Acme']);
      expect(inOrder([plan, both], 'zetb')).toEqual(['B Zeta', 'A Acme']);
    });

    it('several words as the name has them first', () => {
      const entries = [named('Acme Alpha Zeta Care'), named('Zeta Care Alpha'), named('Zeta Care')];
      expect(inOrder(entries, 'zeta care')).toEqual(['Zeta Care', 'Zeta Care Alpha', 'Acme Alpha Zeta Care']);
    });

    it('the words themselves before two words in one', () => {
      expect(inOrder([named('A Acme Zeta Care'), named('Zetacare')], 'zeta care')).toEqual([
        'A Acme Zeta Care',
        'Zetacare',
      ]);
    });
  });

  it('wants every word', () => {
    expect(find('atlantic care')).toEqual(['atlantic-care']);
    expect(find('atlantic zebra')).toEqual([]);
  });

  it('forgives nothing in short words and numbers', () => {
    expect(find('xtl')).toEqual([]);
    expect(find('blxe')).toContain('shield');
    expect(find('bxe')).toEqual([]);
    expect(find('60055')).toEqual([]);
  });

  it.each(['', ' ', '---', '<>', '\u0000', '\u0301'])('finds nothing by %j', (typed) => {
    expect(find(typed)).toEqual([]);
  });

  it('takes anything that can be typed', () => {
    for (const typed of ['\uD800', '(', '.*', '\\', '%00', 'a'.repeat(100), '𝔸tlantic', '__proto__', 'constructor']) {
      expect(() => find(typed)).not.toThrow();
    }
    expect(find('𝔸tlantic')[0]).toBe('atlantic');
  });

  it('is limited to what is allowed, and forgives mistakes among that', () => {
    const only = (typed: string) => searchAmong(typed, (id) => id === 'shield');

    expect(only('blue')).toEqual(['shield']);
    expect(only('atlantic')).toEqual([]);
    expect(only('shielt')).toEqual(['shield']);
  });
});

it('all plans of an app come as people count', async () => {
  const entries = ['Plan 10', 'Plan 2', 'a plan'].map((displayName) => ({
    id: displayName.replace(' ', '-'),
    displayName,
  }));
  const registry = {
    directory: () => Promise.resolve({ entries, version: '1' }),
    payer: () => Promise.resolve(undefined),
  } as unknown as Registry;
  const { payers } = await payerFinder(registry)({ payers: entries.map(({ id }) => id) }, '');
  expect(payers.map(({ name }) => name)).toEqual(['a plan', 'Plan 2', 'Plan 10']);
});
