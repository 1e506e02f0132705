import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { type ApiEvent } from '../../functions/shared/http/api.ts';
import { readAccessToken, readCode, readRefreshToken, writeBearer } from '../../functions/shared/store/bearers.ts';
import { apiEvent, call } from '../support/gateway.ts';
import { basic, bodyOf, gateway, type TokenBody } from '../support/login.ts';
import { words } from '../support/words.ts';
import { holds, textOf } from './seeded.ts';
import { expectSound, markup } from './sound-answer.ts';

type Gateway = ReturnType<typeof gateway>;
const resources = ['/oauth2/token', '/oauth2/revoke', '/oauth2/introspect'] as const;

const post = (
  { handlers }: Gateway,
  resource: string,
  body: string,
  headers: Record<string, string>,
  more: Partial<ApiEvent> = {},
) =>
  call(handlers.token, {
    ...apiEvent(resource, {
      method: 'POST',
      form: body,
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
    }),
    ...more,
  });

/** What a form or header is damaged with. */
const damage = [
  ...words('% %% %zz %0 %00 %ff%fe %c0%af %ed%a0%80 +'),
  ' ',
  ...words(`& = ; \0`),
  '\r\n',
  '☃',
  '\ud800',
  '\ufeff',
  ...words('[] [0] {} "'),
  markup,
  encodeURIComponent(markup),
  '__proto__',
  'constructor',
  'x'.repeat(5000),
];
const fieldNames =
  'grant_type code redirect_uri code_verifier client_id client_secret refresh_token scope token token_type_hint client_assertion client_assertion_type __proto__ code[] grant_type[0] GRANT_TYPE'.split(
    ' ',
  );

describe('forms of the token, revoke and introspect endpoints', () => {
  it('are refused without a 5xx, a stack trace or a token, whatever they contain (RFC 6749 §3.2, §5.2)', async () => {
    const login = gateway();
    const { access_token: access, refresh_token: refresh } = await login.connect();
    const values = textOf(
      [
        ...damage,
        ...words('authorization_code refresh_token demo-app patient/*.rs'),
        'a'.repeat(43),
        'eyJhbGciOiJub25lIn0.e30.',
        'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        access.slice(0, 40),
      ],
      3,
    );
    const form = fc
      .array(fc.tuple(fc.constantFrom(...fieldNames), values, fc.constantFrom('=', '=', '=', '', '==')), {
        maxLength: 7,
      })
      .map((pairs) => pairs.map(([name, value, equals]) => name + equals + value).join('&'));
    const contentType = fc.constantFrom(
      ...words(`
        application/x-www-form-urlencoded application/x-www-form-urlencoded application/x-www-form-urlencoded
        application/x-www-form-urlencoded;charset=utf-16
      `),
      'APPLICATION/X-WWW-FORM-URLENCODED ; x',
      'application/json',
      'multipart/form-data; boundary=x',
      'text/plain',
      '',
      'application/x-www-form-urlencoded, application/json',
      '☃',
    );

    await holds(
      fc.tuple(
        fc.constantFrom(...resources),
        form,
        contentType,
        fc.boolean(),
        fc.constantFrom({}, basic(), basic('demo-app')),
      ),
      async ([resource, body, type, isBase64Encoded, client]) => {
        const answer = await post(login, resource, body, { 'Content-Type': type, ...client }, { isBase64Encoded });
        expectSound(answer);
        if (/p2p[acr]_/.test(answer.body)) throw new Error('a token came back');
      },
      12_000,
    );

    expect(await login.isActive(access)).toBe(true);
    expect((await login.refresh(refresh)).statusCode).toBe(200);
  });

  it('are refused if they are JSON, multipart or huge (RFC 6749 §3.2)', async () => {
    const login = gateway();
    const code = await login.login();
    const fields = { grant_type: 'authorization_code', code };
    const multipart = Object.entries(fields).map(
      ([name, value]) => `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    );
    const bodies: readonly (readonly [body: string, type: string])[] = [
      [JSON.stringify(fields), 'application/json'],
      [JSON.stringify(fields), 'application/x-www-form-urlencoded'],
      [`${multipart.join('')}--x--`, 'multipart/form-data; boundary=x'],
      // Good parameters under another name.
      ...[
        'application/json',
        'text/plain',
        'multipart/form-data; boundary=x',
        '',
        'application/x-www-form-urlencodedx',
      ].map((type) => [String(new URLSearchParams(fields)), type] as const),
      [
        String(new URLSearchParams({ ...fields, code: code + 'x'.repeat(5_000_000) })),
        'application/x-www-form-urlencoded',
      ],
      [Array.from({ length: 200_000 }, (_none, index) => `a${index}=1`).join('&'), 'application/x-www-form-urlencoded'],
      [`${String(new URLSearchParams(fields))}&code=${code}`, 'application/x-www-form-urlencoded'],
      [`${String(new URLSearchParams(fields))}&grant_type=authorization_code`, 'application/x-www-form-urlencoded'],
    ];

    for (const [body, type] of bodies) {
      const answer = await post(login, '/oauth2/token', body, { ...basic(), 'Content-Type': type });
      expectSound(answer);
      // A form over 64 KB is refused for its length (RFC 9110 §15.5.14).
      expect([type, answer.statusCode]).toEqual([type, body.length > 65_536 ? 413 : 400]);
    }

    expect((await login.redeem(code)).statusCode).toBe(200);
  });
});

describe('Basic authentication', () => {
  it('admits only the registered pair, however it is encoded (RFC 7617 §2, RFC 6749 §2.3.1)', async () => {
    const login = gateway();
    const base64 = (text: string | Uint8Array): string => Buffer.from(text as string).toString('base64');
    const pieces = [
      ...words(`
        demo-partner demo-partner demo-app : : : secret demo-partner-secre %64emo-partner % %zz %00 \0
      `),
      '\n',
      ' ',
      '+',
      'é',
      '☃',
      '',
      'DEMO-PARTNER',
      '__proto__',
      markup,
      'x'.repeat(3000),
    ];
    const authorization = fc.oneof(
      textOf(pieces, 5).map((pair) => `Basic ${base64(pair)}`),
      textOf(pieces, 5).map((pair) => `basic ${Buffer.from(pair).toString('base64url')}`),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => `Basic ${base64(bytes)}`),
      fc
        .uint8Array({ maxLength: 20 })
        .map((bytes) => `Basic ${base64(Buffer.concat([Buffer.from('demo-partner:'), bytes]))}`),
      textOf(['Basic', 'basic', ' ', '=', '!', base64('demo-partner:x'), ',', '\t', 'Bearer', 'é', '\0'], 6),
    );

    await holds(
      fc.tuple(authorization, fc.constantFrom(...resources)),
      async ([value, resource]) => {
        const answer = await post(login, resource, 'grant_type=authorization_code&code=x&token=x', {
          Authorization: value,
        });
        expectSound(answer);
        // A public client may send its id with an empty secret (RFC 6749 §2.3.1), where public clients are served.
        const isPublic = Buffer.from(value.split(' ')[1] ?? '', 'base64').toString() === 'demo-app:';
        const expected = isPublic ? [200, 400, 401] : [401];
        if (!expected.includes(answer.statusCode)) throw new Error(`${answer.statusCode} for ${value}`);
      },
      8000,
    );
  });
});

/** All ways to put the parts of bearers together anew that are none of the bearers themselves. */
const recombined = (own: readonly TokenBody[]): string[] => {
  const access = own.map(({ access_token: text }) => readAccessToken(text)).filter((one) => one !== undefined);
  const refresh = own.map(({ refresh_token: text }) => readRefreshToken(text)).filter((one) => one !== undefined);
  const ids = access.map(({ grantId }) => grantId);
  const keys = [...access.map(({ grantKey }) => grantKey), randomBytes(32)];
  const secrets = [
    ...access.map(({ secret }) => secret),
    ...refresh.flatMap((one) => [one.secret, one.familySecret]),
    randomBytes(32),
  ];
  const parts = ids.flatMap((grantId) =>
    keys.flatMap((grantKey) => secrets.map((secret) => ({ grantId, grantKey, secret }))),
  );
  const all = [
    ...parts.map((part) => writeBearer({ kind: 'access', ...part })),
    ...parts.map((part) => writeBearer({ kind: 'code', ...part })),
    ...parts.flatMap((part) => secrets.map((familySecret) => writeBearer({ kind: 'refresh', familySecret, ...part }))),
  ];
  // With the right key and family secret it was valid once: that is a reuse, which is tested as such.
  const families = new Set(
    refresh.map(
      (one) =>
        `${one.grantId} ${Buffer.from(one.grantKey).toString('hex')} ${Buffer.from(one.familySecret).toString('hex')}`,
    ),
  );
  const isOfFamily = (text: string): boolean => {
    const one = readRefreshToken(text);
    return (
      one !== undefined &&
      families.has(
        `${one.grantId} ${Buffer.from(one.grantKey).toString('hex')} ${Buffer.from(one.familySecret).toString('hex')}`,
      )
    );
  };
  const known = new Set(own.flatMap((pair) => [pair.access_token, pair.refresh_token]));
  return all.filter((text) => !known.has(text) && !isOfFamily(text));
};

const flipped = (text: string, bit: number): string => {
  const bytes = Buffer.from(text.slice(5), 'base64url');
  bytes[bit >> 3]! ^= 1 << (bit & 7);
  return text.slice(0, 5) + bytes.toString('base64url');
};

describe('tokens', () => {
  const login = gateway();
  // Not while tests are collected, since the earlier tests would use up the login's time.
  let connected: Promise<TokenBody[]> = Promise.resolve([]);
  beforeAll(async () => {
    connected = (async () => [await login.connect(), await login.connect(), await login.connect()])();
    await connected;
  });
  const untouched = async (): Promise<void> => {
    for (const { access_token: access } of await connected) expect(await login.isActive(access)).toBe(true);
  };
  /** No endpoint accepts it as a bearer, and nothing is written. */
  const isNothing = async (text: string): Promise<void> => {
    login.dynamo.calls();
    const answers = [
      await login.introspect({ token: text }),
      await login.revoke({ token: text }),
      await login.refresh(text),
      await login.redeem(text),
    ];
    for (const answer of answers) expectSound(answer);
    const [introspected, revoked, ...others] = answers;
    const seen = {
      active: bodyOf(introspected!).active,
      statuses: [introspected, revoked, ...others].map((answer) => answer?.statusCode),
      writes: login.dynamo.calls().filter((one) => one !== 'GetItem'),
    };
    const wanted = { active: false, statuses: [200, 200, 400, 400], writes: [] };
    if (JSON.stringify(seen) !== JSON.stringify(wanted)) expect({ text, ...seen }).toEqual({ text, ...wanted });
  };

  it('are refused with any one bit changed, and end no grant (RFC 6749 §10.10)', async () => {
    const [{ access_token: access, refresh_token: refresh } = { access_token: '', refresh_token: '' }] =
      await connected;
    for (const text of [access, refresh]) {
      const bits = Buffer.from(text.slice(5), 'base64url').length * 8;
      for (let bit = 0; bit < bits; bit += 1) await isNothing(flipped(text, bit));
    }
    await untouched();
  });

  it('are refused if cut short, lengthened or respelled', async () => {
    for (const { access_token: access, refresh_token: refresh } of await connected) {
      for (const text of [access, refresh]) {
        for (let end = 1; end < text.length; end += 1) await isNothing(text.slice(0, end));
        const swapped = text.replace(/^p2p(.)_/, (_all, kind: string) => `p2p${kind === 'a' ? 'r' : 'a'}_`);
        const spellings = [
          `${text}=`,
          `${text}A`,
          `${text} `,
          ` ${text}`,
          `${text}\0`,
          text.toUpperCase(),
          text.slice(1),
          swapped,
          text.replaceAll('_', '/').replaceAll('-', '+'),
          text + text,
          `${text},${text}`,
          encodeURIComponent(`${text}%`),
        ];
        for (const other of spellings.filter((one) => one !== text)) await isNothing(other);
      }
    }
    await untouched();
  });

  it('are refused with the id of one grant, the key of another and the secret of a third', async () => {
    const forged = recombined(await connected);
    expect(forged.length).toBeGreaterThan(1000);
    for (const text of forged) await isNothing(text);
    await untouched();
  });

  it('are refused if made of anything else', async () => {
    await connected;
    await holds(textOf([...damage, 'p2pa_', 'p2pr_', 'p2pc_', 'A'.repeat(112), '-', '_'], 3), isNothing, 2500);
    await untouched();
  });

  it('tokens from a code are refused with any one bit changed, and consume nothing (RFC 6749 §4.1.2)', async () => {
    const code = await login.login();
    const bits = Buffer.from(code.slice(5), 'base64url').length * 8;
    for (let bit = 0; bit < bits; bit += 1) await isNothing(flipped(code, bit));
    expect(readCode(code)).toBeDefined();
    expect((await login.redeem(code)).statusCode).toBe(200);
  });
});
