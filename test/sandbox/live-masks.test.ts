import { localStage } from '../../config/local.ts';
import { createFingerprint } from '../../sandbox/live/fingerprint.ts';
import { knownOf } from '../../sandbox/live/known.ts';
import { maskAnswerHeaders, maskRequestHeaders } from '../../sandbox/live/mask-headers.ts';
import { maskPath, maskQuery, type Mask } from '../../sandbox/live/mask-url.ts';
import { showItem, showUpdate } from '../../sandbox/live/show-item.ts';

const origins = ['http://localhost:3000', 'http://localhost:3002'];
const mask: Mask = { known: knownOf(localStage(), origins), mark: createFingerprint(Buffer.from('a key')) };
const mark = expect.stringMatching(/^•[\da-f]{6}$/) as string;
const query = (text: string) => maskQuery(new URLSearchParams(text), mask);

describe('what the live view shows of an address', () => {
  it('is public words of a path, and a mark for every other segment', () => {
    expect(maskPath('/r4/northwind/Observation', mask)).toBe('/r4/northwind/Observation');
    expect(maskPath('/r4/northwind/Patient/01-testmemid/$everything', mask)).toMatch(
      /^\/r4\/northwind\/Patient\/•[\da-f]{6}\/\$everything$/,
    );
    expect(maskPath('/r4/another-payer/canary%20word', mask)).toMatch(/^\/r4\/•[\da-f]{6}\/•[\da-f]{6}$/);
    expect(maskPath('/%E0%A4%A', mask)).toMatch(/^\/•[\da-f]{6}$/);
  });

  it('has the same mark for the same value wherever it is, and another in another process', () => {
    const [, state] = query('state=canary-state')[0] ?? [];
    expect(maskPath('/canary-state', mask)).toBe(`/${state}`);
    expect(query('code=canary-state')).toEqual([['code', state]]);
    expect(createFingerprint()('canary-state')).not.toBe(state);
  });

  it('is values of a closed list, and marks for anything else that a parameter may have', () => {
    expect(
      query('response_type=code&code_challenge_method=S256&client_id=demo-app&_count=50&_type=Patient,Condition'),
    ).toEqual([
      ['response_type', 'code'],
      ['code_challenge_method', 'S256'],
      ['client_id', 'demo-app'],
      ['_count', '50'],
      ['_type', 'Patient,Condition'],
    ]);
    expect(
      query(
        'response_type=canary&client_id=canary&_count=5canary&_type=Patient,Canary&error=canary&scope=patient/Canary.rs&prompt=x',
      ),
    ).toEqual(
      ['response_type', 'client_id', '_count', '_type', 'error', 'scope', 'prompt'].map((name) => [name, mark]),
    );
    expect(query('scope=launch/patient patient/*.rs offline_access')).toEqual([
      ['scope', 'launch/patient patient/*.rs offline_access'],
    ]);
  });

  it('what the live view shows of an address only counts parameters whose names are not public', () => {
    expect(query('canary=1&__proto__=2&constructor=3&state=x')).toEqual([
      ['state', mark],
      ['(others)', '3'],
    ]);
  });

  it('shows a redirect URI that is registered or local, the latter part by part, and no other', () => {
    expect(query('redirect_uri=http://localhost:3002/callback')).toEqual([
      ['redirect_uri', 'http://localhost:3002/callback'],
    ]);
    expect(query('redirect_uri=http://localhost:3002/canary')[0]?.[1]).toMatch(
      /^http:\/\/localhost:3002\/•[\da-f]{6}$/,
    );
    expect(query('redirect_uri=https://canary.example/callback')).toEqual([['redirect_uri', mark]]);
    expect(query('redirect_uri=http://user:canary@localhost:3002/callback%23canary')[0]?.[1]).not.toContain('canary');
  });
});

describe('what the live view shows of headers', () => {
  it('is the scheme of credentials, the client of Basic, and marks', () => {
    const basic = `Basic ${Buffer.from('demo-partner:canary-secret').toString('base64')}`;
    expect(maskRequestHeaders({ authorization: basic }, mask)).toEqual([
      ['authorization', expect.stringMatching(/^Basic demo-partner:•[\da-f]{6}$/)],
    ]);
    expect(maskRequestHeaders({ authorization: 'Bearer p2pa_canary' }, mask)).toEqual([
      ['authorization', expect.stringMatching(/^Bearer •[\da-f]{6} \(access token\)$/)],
    ]);
    expect(maskRequestHeaders({ authorization: 'Canary canary' }, mask)).toEqual([
      ['authorization', expect.stringMatching(/^another scheme •[\da-f]{6}$/)],
    ]);
  });

  it('never has the text of a header that may hold anything', () => {
    const headers = {
      accept: 'application/canary, text/html;q=canary',
      'content-type': 'canary/canary; boundary=canary',
      'content-length': 'canary',
      cookie: 'canary=canary; __Host-canary=canary',
      origin: 'https://canary.example',
      prefer: 'respond-async, canary',
      'user-agent': 'canary/1.0 (canary)',
      'if-none-match': '"canary"',
      'webhook-id': 'canary',
      'webhook-signature': 'v1,canary',
      'x-canary': 'canary',
    };
    const answers = {
      ...headers,
      location: 'https://canary.example/canary?canary=canary',
      'content-location': '/canary?state=canary',
      'retry-after': 'canary',
      'www-authenticate': 'Bearer realm="canary", error="canary", error_description="canary"',
      'cache-control': 'no-store, canary=canary',
      'set-cookie': ['canary=canary; Max-Age=60; Path=/canary', '__Host-canary=canary'],
      etag: 'W/"canary"',
      allow: 'GET, CANARY',
      'access-control-allow-origin': 'https://canary.example',
    };
    expect(JSON.stringify(maskRequestHeaders(headers, mask))).not.toMatch(/canary/i);
    expect(JSON.stringify(maskAnswerHeaders(answers, mask))).not.toMatch(/canary/i);
    expect(maskAnswerHeaders(answers, mask)).toContainEqual(['cache-control', 'no-store, …']);
    expect(maskAnswerHeaders(answers, mask)).toContainEqual(['set-cookie', expect.stringMatching(/ for 60 s$/)]);
  });
});

describe('what the live view shows of an item', () => {
  it('is times, counts, public names and the kind of the rest, never the bytes', () => {
    const item = {
      grantId: { S: 'A'.repeat(22) },
      payer: { S: 'northwind' },
      partner: { S: 'canary' },
      patient: { S: 'canary' },
      codeHash: { S: 'canary' },
      sealedPayerTokens: { B: Buffer.from('canary').toString('base64') },
      repeatHashes: { SS: ['canary'] },
      lastEvent: { M: { type: { S: 'redeemed' }, note: { S: 'canary' } } },
      redeemedBy: { S: '3f2a9c01-77de-4b1c-8f2e-0a1b2c3d4e5f' },
      expiresAt: { N: '1700000000' },
      // A second after the last that a date has (ECMA-262, time values).
      endsAt: { N: '8640000000001' },
      'not a name': { S: 'canary' },
    };
    const shown = showItem(item, mask);
    expect(JSON.stringify(shown)).not.toMatch(/canary|Y2FuYXJ5/);
    expect(Object.fromEntries(shown)).toEqual({
      grantId: 'A'.repeat(22),
      payer: 'northwind',
      partner: mark,
      patient: mark,
      codeHash: 'a hash',
      sealedPayerTokens: 'sealed or random bytes',
      repeatHashes: 'a hash',
      lastEvent: 'redeemed',
      redeemedBy: '3f2a9c01-77de',
      expiresAt: '2023-11-14T22:13:20Z',
      endsAt: 'a time',
    });
  });

  it('what the live view shows of an item of an update is what it sets and what it removes', () => {
    const update = {
      UpdateExpression: 'SET usedAt = :usedAt, #status = :status, previousHash = accessHash REMOVE wrappedKey, #type',
      ExpressionAttributeNames: { '#status': 'status', '#type': 'type' },
      ExpressionAttributeValues: { ':usedAt': { N: '1' }, ':status': { S: 'completed' }, ':other': { S: 'canary' } },
    };
    expect(showUpdate(update)).toEqual({
      item: { usedAt: { N: '1' }, status: { S: 'completed' }, previousHash: {} },
      removed: ['wrappedKey', 'type'],
    });
  });
});
