import { readFileSync } from 'node:fs';
import { consentWords } from '../../../functions/authorize/consent-words.ts';
import { authorizeHandler } from '../../../functions/authorize/handler.ts';
import { whatIsRead } from '../../../functions/shared/pages/what-is-read.ts';
import { registryOf } from '../../../functions/shared/registry/registry.ts';
import type { RegistryData } from '../../../functions/shared/registry/types.ts';
import { resourceTypes } from '../../../functions/shared/scopes/resource-types.ts';
import { parseScopes } from '../../../functions/shared/scopes/scopes.ts';
import { apiEvent, call, cookiesOf } from '../../support/gateway.ts';
import { gateway, localRegistry, pkce, sentBack, withPartner, withPayer } from '../../support/login.ts';
import { words } from '../../support/words.ts';

const request = {
  client_id: 'third-party-app',
  redirect_uri: 'http://localhost:3002/third-party/callback',
  state: 'partner-state',
  ...pkce,
};

/** The fields of the page's form. */
const fieldsOf = (html: string): Record<string, string> =>
  Object.fromEntries(
    [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
      name,
      value.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'),
    ]),
  );

const open = async (query: Record<string, string> = request, Cookie = '') => {
  const test = gateway();
  const page = await test.authorize(query, { headers: { Cookie } });
  const submit = (form: Record<string, string>, cookie = cookiesOf(page), headers: Record<string, string> = {}) =>
    call(
      test.handlers.authorize,
      apiEvent('/oauth2/authorize/{payer}', {
        method: 'POST',
        path: { payer: 'northwind' },
        form,
        // Under no-referrer a form's origin is null.
        headers: { Cookie: cookie, Origin: 'null', ...headers },
      }),
    );
  return { ...test, page, submit, fields: fieldsOf(page.body) };
};

describe('the consent page', () => {
  it('is made of the request alone, and writes nothing', async () => {
    const { page, dynamo } = await open();

    expect(page.statusCode).toBe(200);
    expect(page.body).toContain(
      '<form class="actions" method="post" action="http://localhost:3000/oauth2/authorize/northwind">',
    );
    expect(dynamo.calls()).toEqual([]);
  });

  it('runs no script, and has styles, images and a form of its own only', async () => {
    const { page } = await open();

    expect(page.headers['Content-Security-Policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/]+=' 'sha256-[\w+/]+='; img-src data:; form-action [^;]+; base-uri 'none'; frame-ancestors 'none'$/,
    );
  });

  it('lets the form go to the payer, its sign-in and the partner, and nowhere else', async () => {
    const test = gateway();
    const quirks = {
      ...(await test.deps.registry.payer('northwind'))!.quirks,
      signInOrigins: ['https://login.example'],
    };

    const page = await test.reconfigured(withPayer('northwind', { quirks })).authorize(request);

    expect(page.headers['Content-Security-Policy']).toContain(
      "form-action 'self' http://127.0.0.1:3003 http://localhost:3002 https://login.example;",
    );
  });

  it.each(['org.example.app:/callback', 'org.example.https://callback'])(
    'lets a native app’s own scheme through, and names the app: %s',
    async (uri) => {
      const [scheme] = uri.split(':');
      const { authorize } = gateway().reconfigured(withPartner('third-party-app', { redirectUris: [uri] }));

      const page = await authorize({ ...request, redirect_uri: uri });

      expect(page.headers['Content-Security-Policy']).toContain(`'self' http://127.0.0.1:3003 ${scheme}:;`);
      expect(page.body).toContain('Then you return to Trend Journal.');
    },
  );

  it('escapes all text of the request and the configuration', async () => {
    const state = `"><script>alert('x')</script>&amp;`;
    const { authorize } = gateway().reconfigured(withPartner('third-party-app', { name: '<i>App</i>' }));

    const page = await authorize({ ...request, state });

    expect(page.body).not.toContain('<script');
    expect(page.body).not.toContain('<i>');
    expect(page.body).toContain('&lt;i&gt;App&lt;/i&gt;');
    expect(page.body).toContain('&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)');
  });

  it('puts its token into a __Host- cookie that scripts cannot read, and the same token into the form', async () => {
    const { page, fields } = await open();

    const [cookie, ...others] = page.multiValueHeaders?.['Set-Cookie'] ?? [];

    expect(others).toEqual([]);
    expect(cookie).toBe(
      `__Host-p2p-consent=${fields['consent_token']}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=1800`,
    );
  });

  it('keeps the token of another tab', async () => {
    const token = 'A'.repeat(43);

    const { fields } = await open(request, `__Host-p2p-consent=${token}`);

    expect(fields['consent_token']).toBe(token);
  });

  it.each([
    ['short', 'short'],
    ['too long', 'A'.repeat(44)],
    ['with something before it', `!${'A'.repeat(43)}`],
    ['with something after it', `${'A'.repeat(43)}!`],
  ])('replaces a malformed token: %s', async (_, token) => {
    const { fields } = await open(request, `__Host-p2p-consent=${token}`);

    expect(fields['consent_token']).toMatch(/^[\w-]{43}$/);
    expect(token).not.toContain(fields['consent_token']);
  });

  it('has the request in its form, and no decision or token that came with it', async () => {
    const { page, submit, fields } = await open({ ...request, decision: 'deny', consent_token: 'planted' });

    const names = [...page.body.matchAll(/<input type="hidden" name="([^"]*)"/g)].map(([, name]) => name);
    const response = await submit({ ...fields, decision: 'allow' });

    expect(names).toEqual([...Object.keys(request), 'ui_locales', 'consent_token', 'consent_shown']);
    expect(fields).toEqual({
      ...request,
      ui_locales: 'en',
      consent_token: expect.stringMatching(/^[\w-]{43}$/),
      consent_shown: expect.stringMatching(/^\d+\.[\w-]{43}$/),
    });
    expect(response.headers['Location']).toContain('127.0.0.1:3003/oauth2/authorize');
  });

  it('is shown for a request sent as a form without a decision', async () => {
    const { submit, page } = await open();

    const response = await submit(request);

    expect(response.statusCode).toBe(200);
    expect(fieldsOf(response.body)).toEqual(fieldsOf(page.body));
  });
});

describe('the member’s decision', () => {
  const other = 'B'.repeat(43);
  it.each<[string, Record<string, string>, string | undefined, Record<string, string>]>([
    ['no cookie', {}, '', {}],
    ['another token', { consent_token: other }, undefined, {}],
    ['no token', { consent_token: '' }, undefined, {}],
    // A sibling domain put a token inside a cookie of its own.
    ...['shared=1,', 'shared=1, ', 'shared,'].map(
      (before): [string, Record<string, string>, string, Record<string, string>] => [
        `a token that was smuggled behind ${before}`,
        { consent_token: other },
        `${before}__Host-p2p-consent=${other}`,
        {},
      ],
    ),
    // The browser says that the form came from elsewhere.
    ['Sec-Fetch-Site: same-site', {}, undefined, { 'Sec-Fetch-Site': 'same-site' }],
    ['Sec-Fetch-Site: cross-site', {}, undefined, { 'Sec-Fetch-Site': 'cross-site' }],
    ['Sec-Fetch-Site: none', {}, undefined, { 'Sec-Fetch-Site': 'none' }],
    ['an empty Sec-Fetch-Site', {}, undefined, { 'Sec-Fetch-Site': '' }],
  ])('has no effect with %s', async (_, change, cookie, headers) => {
    const { submit, fields, dynamo } = await open();

    const response = await submit({ ...fields, decision: 'allow', ...change }, cookie, headers);

    expect(sentBack(response)).toMatchObject({
      error: 'invalid_request',
      error_description: 'The consent page was out of date. Please start again.',
    });
    expect(dynamo.calls()).toEqual([]);
  });

  it('counts if the browser says that the form came from the page itself', async () => {
    const { submit, fields } = await open();

    const response = await submit({ ...fields, decision: 'allow' }, undefined, { 'sec-fetch-site': 'same-origin' });

    expect(response.headers['Location']).toContain('127.0.0.1:3003/oauth2/authorize');
  });

  it('is asked for if a page of the partner posts the request, as SMART App Launch allows', async () => {
    const { submit, dynamo } = await open();
    const fromPartner = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Dest': 'document', 'Sec-Fetch-Mode': 'navigate' };

    // A browser sends no Lax cookie with another site's form.
    const response = await submit(request, '', fromPartner);

    expect(response.statusCode).toBe(200);
    expect(fieldsOf(response.body)).toMatchObject(request);
    expect(dynamo.calls()).toEqual([]);
  });

  const narrow = { scopes: ['patient/Patient.rs'] };
  it.each<[string, object, Parameters<ReturnType<typeof gateway>['reconfigured']>[0] | undefined, number]>([
    ['the partner is registered for more', narrow, withPartner('third-party-app', { scopes: ['patient/*.rs'] }), 0],
    [
      'the partner may refresh',
      narrow,
      withPartner('third-party-app', { scopes: [...narrow.scopes, 'offline_access'] }),
      0,
    ],
    ['the partner has another name', {}, withPartner('third-party-app', { name: 'Other' }), 0],
    ['the payer has another name', {}, withPayer('northwind', { displayName: 'Other' }), 0],
    ['a grant of the payer lives shorter', {}, withPayer('northwind', { consentLifetime: 86_400 }), 0],
    ['the page is older than it may be, whatever another tab did', {}, undefined, 1801],
  ])('is asked for again, with a sentence that something changed, if %s', async (_, before, change, seconds) => {
    const test = gateway();
    const first = test.reconfigured(withPartner('third-party-app', before));
    const page = await first.authorize(request);
    const form = { ...fieldsOf(page.body), decision: 'allow' };
    const post = ({ handlers }: Pick<typeof first, 'handlers'>) =>
      call(
        handlers.authorize,
        apiEvent('/oauth2/authorize/{payer}', {
          method: 'POST',
          path: { payer: 'northwind' },
          form,
          headers: { Cookie: cookiesOf(page), Origin: 'null' },
        }),
      );
    expect((await post(first)).headers['Location']).toContain('127.0.0.1:3003/oauth2/authorize');
    test.passSeconds(seconds);
    const again = await post(change === undefined ? first : test.reconfigured(change));

    expect(again.statusCode).toBe(200);
    expect(again.body).toContain('Something has changed since you opened this page.');
    expect(fieldsOf(again.body)).toMatchObject(request);
  });

  it('cannot come in a link', async () => {
    const { authorize, fields, page } = await open();

    const response = await authorize({ ...fields, decision: 'allow' }, { headers: { Cookie: cookiesOf(page) } });

    expect(response.statusCode).toBe(200);
    expect(response.body).toContain('<form');
  });

  it('may be sent twice: each is a separate login', async () => {
    const { submit, fields } = await open();

    const [first, second] = [
      await submit({ ...fields, decision: 'allow' }),
      await submit({ ...fields, decision: 'allow' }),
    ];

    expect(sentBack(first)['state']).toBeDefined();
    expect(sentBack(first)['state']).not.toBe(sentBack(second)['state']);
  });
});

type Test = Pick<ReturnType<typeof gateway>, 'authorize'>;

/** The page's text as a member reads it: one line for each element, without markup. */
const linesOf = (html: string): string[] =>
  (html.split('<main>')[1]?.split('</main>')[0] ?? '')
    .replaceAll(/<(\/?(?:strong|span|a)\b[^>]*)>/g, '')
    .split(/<[^>]*>/)
    .map((line) => line.trim())
    .filter((line) => line !== '');

const read = async (test: Test, changed: Record<string, string> = {}, headers: Record<string, string> = {}) => {
  const { body, headers: answered } = await test.authorize({ ...request, ...changed }, { headers });
  return { body, lines: linesOf(body), headers: answered };
};

const after = (lines: readonly string[], heading: string): readonly string[] => {
  const from = lines.indexOf(heading) + 1;
  const headings = new Set(['What it can read', 'Until when', 'How to stop it']);
  const to = lines.findIndex((line, index) => index > from && headings.has(line));
  return lines.slice(from, to);
};

const day = 86_400;

const withAccessTokensOf =
  (accessToken: number) =>
  (data: RegistryData): RegistryData => ({ ...data, lifetimes: { ...data.lifetimes, accessToken } });

const withoutField = <Entry extends object>(entry: Entry, field: keyof Entry): Entry => {
  const left = { ...entry };
  Reflect.deleteProperty(left, field);
  return left;
};

const withoutLogos = (data: RegistryData): RegistryData => ({
  ...data,
  partners: data.partners.map((partner) => withoutField(partner, 'logo')),
});

describe('the consent page', () => {
  it('says who asks for what at which plan, until when, how to stop it and what comes next, in English and in Spanish', async () => {
    const test = gateway();
    const english = await read(test);
    const spanish = await read(test, {}, { 'Accept-Language': 'es-MX' });

    // Each sentence beside its translation, so that who changes one sees the other.
    expect(english.lines.map((line, index) => [line, spanish.lines[index]])).toEqual([
      ['Share your health record with Trend Journal?', '¿Compartir su expediente médico con Trend Journal?'],
      [
        'Trend Journal (localhost:3002) wants to read your health record at Northwind Health.',
        'Trend Journal (localhost:3002) quiere leer su expediente médico en Northwind Health.',
      ],
      ['What it can read', 'Qué puede leer'],
      [
        'Your name, birth date and address, and your health plan coverage',
        'Su nombre, fecha de nacimiento y dirección, y la cobertura de su plan de salud',
      ],
      ['Claims and what they cost', 'Reclamos y lo que costaron'],
      [
        'Your health: diagnoses, medicines, allergies, vaccines and test results',
        'Su salud: diagnósticos, medicamentos, alergias, vacunas y resultados de exámenes',
      ],
      [
        'Your care: visits, hospital stays, surgeries, notes, images and plans',
        'Su atención: citas, hospitalizaciones, cirugías, notas, imágenes y planes',
      ],
      ['Everything else in your record', 'Todo lo demás en su expediente'],
      ['All 14 kinds of data', 'Los 14 tipos de datos'],
      [
        'Your name, birth date, address and other personal details',
        'Su nombre, fecha de nacimiento, dirección y otros datos personales',
      ],
      ['Your health plan coverage', 'La cobertura de su plan de salud'],
      ['Claims and what they cost', 'Reclamos y lo que costaron'],
      ['Health problems and diagnoses', 'Problemas de salud y diagnósticos'],
      ['Medicines and prescriptions', 'Medicamentos y recetas'],
      ['Allergies and bad reactions', 'Alergias y reacciones adversas'],
      ['Vaccines', 'Vacunas'],
      [
        'Test results, vital signs and habits such as smoking',
        'Resultados de exámenes, signos vitales y hábitos como fumar',
      ],
      ['Surgeries and other procedures', 'Cirugías y otros procedimientos'],
      ['Doctor visits and hospital stays', 'Citas médicas y hospitalizaciones'],
      ['Notes by your doctors and other documents', 'Notas de sus médicos y otros documentos'],
      ['X-rays and other images', 'Radiografías y otras imágenes'],
      [
        'Care plans, goals, referrals and who takes care of you',
        'Planes de atención, metas, referidos y quiénes le atienden',
      ],
      ['Everything else in your record', 'Todo lo demás en su expediente'],
      [
        'This can include sensitive details, such as mental health, substance use, HIV or pregnancy.',
        'Esto puede incluir datos delicados, como salud mental, consumo de sustancias, VIH o embarazo.',
      ],
      ['Until when', 'Hasta cuándo'],
      [
        'Until August 30, 2026 at the latest. It can keep reading until then, even when you are signed out.',
        'Hasta el 30 de agosto de 2026 a más tardar. Puede seguir leyendo hasta entonces, aunque usted haya cerrado la sesión.',
      ],
      ['How to stop it', 'Cómo detenerlo'],
      [
        'You can stop it at any time: in Trend Journal, at Northwind Health, or by asking us. You can stop it here. What Trend Journal has already read stays there.',
        'Puede detenerlo en cualquier momento: en Trend Journal, en Northwind Health o pidiéndonoslo. Puede detenerlo aquí. Lo que Trend Journal ya haya leído se queda ahí.',
      ],
      [
        'If you allow it, Northwind Health asks you to sign in, and then asks a second question: whether we, Payer-to-payer gateway, may read. Then you return to localhost:3002.',
        'Si lo permite, Northwind Health le pedirá que inicie sesión y después le hará una segunda pregunta: si nosotros, Payer-to-payer gateway, podemos leer. Después regresará a localhost:3002.',
      ],
      ['Allow', 'Permitir'],
      ['Do not allow', 'No permitir'],
    ]);
    expect(english.body).toContain('<a href="http://localhost:3000/connections/northwind">You can stop it here</a>');
    expect(spanish.lines).toHaveLength(english.lines.length);
    expect(spanish.body).toContain('<html lang="es">');
    expect(spanish.headers['Content-Language']).toBe('es');
  });

  it.each(Object.keys(consentWords.en))('shows its words for %s', (name) => {
    const page = ['consent-page', 'consent']
      .map((file) => readFileSync(`functions/authorize/${file}.ts`, 'utf8'))
      .join('');

    expect(page).toMatch(new RegExp(`(?:words|\\])\\.${name}\\b`));
  });

  it('keeps the language that the app or the member chose through its form', async () => {
    const { body } = await read(gateway(), { ui_locales: 'es' }, { 'Accept-Language': 'en' });

    expect(body).toContain('<html lang="es">');
    expect(body).toContain('<input type="hidden" name="ui_locales" value="es" />');
  });

  it('is in English where the app asks for a language that we do not have', async () => {
    expect((await read(gateway(), { ui_locales: 'tlh' })).body).toContain('<html lang="en">');
  });

  it.each([
    ['patient/DocumentReference.rs', ['Notes by your doctors and other documents'], true],
    ['patient/ExplanationOfBenefit.rs', ['Claims and what they cost'], true],
    [
      'patient/Coverage.rs patient/Patient.r',
      ['Your name, birth date, address and other personal details', 'Your health plan coverage'],
      false,
    ],
    [
      'patient/Observation.rs patient/DiagnosticReport.rs',
      ['Test results, vital signs and habits such as smoking'],
      true,
    ],
    ['patient/Device.rs', ['Medical devices, supplies and glasses'], true],
    [
      'patient/Basic.rs patient/Condition.rs patient/Flag.rs',
      ['Health problems and diagnoses', 'Other data: Basic, Flag'],
      true,
    ],
  ])('names what %s lets an app read, and says if that can be sensitive', async (scope, expected, isSensitive) => {
    const { lines } = await read(gateway(), { scope });

    const sensitive = 'This can include sensitive details, such as mental health, substance use, HIV or pregnancy.';
    expect(after(lines, 'What it can read')).toEqual([...expected, ...(isSensitive ? [sensitive] : [])]);
  });

  it('says of every type of R4 that it can be sensitive, but of who the member is, the plan, and who and what is in a record', () => {
    const harmless = words(`
      Patient Person RelatedPerson Coverage InsurancePlan CoverageEligibilityRequest CoverageEligibilityResponse
      EnrollmentRequest EnrollmentResponse Contract Practitioner PractitionerRole Organization OrganizationAffiliation
      Location HealthcareService Endpoint Provenance AuditEvent
    `);
    const notSensitive = resourceTypes.filter(
      (type) => !whatIsRead(parseScopes(`patient/${type}.rs`), 'en').isSensitive,
    );

    expect(notSensitive.toSorted()).toEqual(harmless.toSorted());
  });

  it('lists what will be granted, not what was asked for', async () => {
    const test = gateway().reconfigured(
      withPayer('northwind', { scopes: ['patient/Observation.rs', 'patient/Condition.r'] }),
    );

    const { lines } = await read(test, { scope: 'openid patient/Condition.rs patient/Claim.cruds admin' });

    expect(after(lines, 'What it can read')[0]).toBe('Health problems and diagnoses');
    expect(lines).not.toContain('Claims and what they cost');
  });

  it.each([
    ['the consent at the payer', 30 * day, 'July 1, 2026'],
    ['the grant, if that is earlier', 400 * day, 'November 28, 2026'],
  ])('says one date, the end of %s', async (_, consentLifetime, date) => {
    const { lines } = await read(gateway().reconfigured(withPayer('northwind', { consentLifetime })));

    expect(after(lines, 'Until when')).toEqual([
      `Until ${date} at the latest. It can keep reading until then, even when you are signed out.`,
    ]);
  });

  it('says a date that is still true for a member who takes all the time that there is', async () => {
    const test = gateway();
    // Half an hour before midnight, UTC.
    test.passSeconds(11.5 * 3600);

    const { lines } = await read(test);

    expect(after(lines, 'Until when')[0]).toContain('Until August 31, 2026 at the latest.');
  });

  it.each([
    [3600, 'It can read for 1 hour after you sign in. To read again, it must ask you again.'],
    [900, 'It can read for 15 minutes after you sign in. To read again, it must ask you again.'],
  ])('says that an app without a refresh token reads once (%i seconds)', async (accessToken, sentence) => {
    const { lines } = await read(gateway().reconfigured(withAccessTokensOf(accessToken)), { scope: 'patient/*.rs' });

    expect(after(lines, 'Until when')).toEqual([sentence]);
  });

  it('shows the app’s logo and links to its website and privacy policy, as far as they are known', async () => {
    const logo = 'data:image/png;base64,AAAA';
    const known = gateway().reconfigured(
      withPartner('third-party-app', { logo, privacyPolicy: 'https://app.example/privacy' }),
    );

    const { body } = await read(known);
    const without = await read(gateway().reconfigured(withoutLogos));

    expect(body).toContain(`<img src="${logo}" alt="" />`);
    expect(body).toContain('<a href="http://localhost:3002/">localhost:3002</a>');
    expect(body).toContain('<a href="https://app.example/privacy">Privacy policy of Trend Journal</a>');
    expect(without.body).not.toContain('<img ');
    expect(without.headers['Content-Security-Policy']).not.toContain('img-src');
    expect(without.body).not.toContain('Privacy policy of');
  });

  it('says once who runs the service, beside its name at the top and in what comes next, and links once to its privacy policy and its help', async () => {
    const { deps } = gateway();
    const operator = {
      name: 'The Exchange',
      privacyPolicy: 'https://exchange.example/privacy',
      support: 'mailto:help@exchange.example',
    };
    const { body } = await call(
      authorizeHandler({ ...deps, pages: { operator } }),
      apiEvent('/oauth2/authorize/{payer}', { path: { payer: 'northwind' }, query: Object.entries(request) }),
    );

    const shown = body.split('</title>')[1] ?? '';
    const times = (text: string): number => shown.split(text).length - 1;
    expect([operator.name, operator.privacyPolicy, operator.support].map(times)).toEqual([3, 1, 1]);
    expect(shown).toContain(`<a href="${operator.support}">Get help</a>`);
  });

  it('has one dot after a name that ends with one, and shows a name as it is', async () => {
    const test = gateway().reconfigured(withPayer('northwind', { displayName: 'Northwind & <Sons>, Inc.' }));
    expect((await read(test)).lines[1]).toMatch(
      / wants to read your health record at Northwind &amp; &lt;Sons&gt;, Inc\.$/,
    );
  });

  it.each(['en', 'es'])(
    'weighs under 30 KB in %s, with the largest logos that the configuration allows',
    async (language) => {
      const logo = `data:image/png;base64,${'A'.repeat(8192 - 'data:image/png;base64,'.length)}`;
      const { deps } = gateway();
      const handler = authorizeHandler({
        ...deps,
        registry: registryOf(withPartner('third-party-app', { logo })(localRegistry())),
        pages: { operator: { ...deps.pages.operator, logo } },
      });

      const { body } = await call(
        handler,
        apiEvent('/oauth2/authorize/{payer}', {
          path: { payer: 'northwind' },
          query: Object.entries({ ...request, ui_locales: language }),
        }),
      );

      expect(body.split(logo)).toHaveLength(3);
      expect(Buffer.byteLength(body)).toBeLessThan(30 * 1024);
    },
  );
});
