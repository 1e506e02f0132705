import { readFileSync } from 'node:fs';
import { consentWords } from '../../../functions/authorize/consent-words.ts';
import { authorizeHandler } from '../../../functions/authorize/handler.ts';
import { whatIsRead } from '../../../functions/shared/pages/what-is-read.ts';
import { registryOf } from '../../../functions/shared/registry/registry.ts';
import type { RegistryData } from '../../../functions/shared/registry/types.ts';
import { resourceTypes } from '../../../functions/shared/scopes/resource-types.ts';
import { parseScopes } from '../../../functions/shared/scopes/scopes.ts';
import { apiEvent, call } from '../../support/gateway.ts';
import { gateway, localRegistry, pkce, withPartner, withPayer } from '../../support/login.ts';
import { words } from '../../support/words.ts';

const request = {
  client_id: 'third-party-app',
  redirect_uri: 'http://localhost:3002/third-party/callback',
  state: 'partner-state',
  ...pkce,
};

type Test = Pick<ReturnType<typeof gateway>, 'authorize'>;

/** The page's text as a member reads it: a line for each element, without its markup. */
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
    const notSensitive = words(resourceTypes).filter(
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
