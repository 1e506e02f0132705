import { EventEmitter } from 'node:events';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { localStage } from '../../config/local.ts';
import { errorCodes } from '../../functions/shared/errors.ts';
import type { Flow, LiveEvent, Step } from '../../sandbox/live/event.ts';
import { explainerOf, readExplanations } from '../../sandbox/live/explain.ts';
import { createFingerprint } from '../../sandbox/live/fingerprint.ts';
import { createFlows } from '../../sandbox/live/flows.ts';
import { createHub } from '../../sandbox/live/hub.ts';
import { keysOfUrl } from '../../sandbox/live/keys.ts';
import { knownOf } from '../../sandbox/live/known.ts';
import { maskAnswerHeaders, maskRequestHeaders } from '../../sandbox/live/mask-headers.ts';
import { maskPath, maskQuery, type Mask } from '../../sandbox/live/mask-url.ts';
import { showItem, showUpdate } from '../../sandbox/live/show-item.ts';
import { onAnswerBody, onRequestBody } from '../../sandbox/live/tap-bodies.ts';
import { onAnswerHead } from '../../sandbox/live/watch-http.ts';

const step = (text: string): Step => ({ kind: 'step', by: 'test', text, facts: [] });

/** A hub whose pauses end when the test says so. */
const testHub = (mostEvents: number) => {
  const waiting: (() => void)[] = [];
  const hub = createHub({ mostEvents, now: () => 0, soon: (callBack) => void waiting.push(callBack) });
  const pass = (): void => {
    for (const callBack of waiting.splice(0)) callBack();
  };
  return { hub, pass, waiting };
};

type Content = LiveEvent | Flow;
const textsOf = (contents: readonly Content[]): string[] =>
  contents.flatMap((content) => (content.kind === 'step' ? [content.text] : []));

/** A reader with room for this many parts. */
const readerOf = (room = Infinity) => {
  const got: Content[] = [];
  let left = room;
  let last = 0;
  const take = (contents: readonly Content[], seq: number): boolean => {
    got.push(...contents);
    last = seq;
    return (left -= 1) > 0;
  };
  return { got, take, last: () => last, makeRoom: (more: number) => (left = more) };
};

describe('the hub of the live view', () => {
  it('gives a new reader what it has, and then what happens', () => {
    const { hub, pass } = testHub(10);
    hub.add(step('one'), () => []);
    const reader = readerOf();
    hub.read(reader, 0);
    expect(textsOf(reader.got)).toEqual(['one']);
    hub.add(step('two'), () => []);
    hub.add(step('three'), () => []);
    pass();
    expect(textsOf(reader.got)).toEqual(['one', 'two', 'three']);
  });

  it('keeps the last events only, whether anyone reads or not', () => {
    const { hub, waiting } = testHub(3);
    for (let number = 1; number <= 1000; number += 1) hub.add(step(String(number)), (id) => [`own ${id}`]);
    expect(waiting).toEqual([]);
    const reader = readerOf();
    hub.read(reader, 0);
    expect(textsOf(reader.got)).toEqual(['998', '999', '1000']);
    expect(reader.got.length).toBeLessThanOrEqual(6);
  });

  it('waits for no slow reader, which later gets what is still there, in its last state', () => {
    const { hub, pass } = testHub(3);
    const slow = readerOf(1);
    const quick = readerOf();
    hub.add(step('one'), () => []);
    const { resume } = hub.read(slow, 0);
    hub.read(quick, 0);
    const changed = hub.add(step('two'), () => []);
    pass();
    for (const text of ['three', 'four']) {
      hub.add(step(text), () => []);
      pass();
    }
    hub.change(changed, step('two, changed'));
    pass();
    expect(textsOf(quick.got)).toEqual(['one', 'two', 'three', 'four', 'two, changed']);
    expect(textsOf(slow.got)).toEqual(['one']);
    slow.makeRoom(Infinity);
    resume();
    expect(textsOf(slow.got)).toEqual(['one', 'three', 'four', 'two, changed']);
  });

  it('gives a reader that comes back what it missed, and nothing twice', () => {
    const { hub, pass } = testHub(10);
    const before = readerOf();
    hub.add(step('one'), () => []);
    const { stop } = hub.read(before, 0);
    stop();
    hub.add(step('two'), () => []);
    pass();
    const after = readerOf();
    hub.read(after, before.last());
    expect(textsOf(before.got)).toEqual(['one']);
    expect(textsOf(after.got)).toEqual(['two']);
  });

  it('ignores a change of an event that is gone', () => {
    const { hub } = testHub(1);
    const gone = hub.add(step('one'), () => []);
    hub.add(step('two'), () => []);
    hub.change(gone, step('one, changed'));
    const reader = readerOf();
    hub.read(reader, 0);
    expect(textsOf(reader.got)).toEqual(['two']);
  });
});

const makeFlows = () => {
  const known = new Map<number, Flow>();
  const flows = createFlows((flow) => known.set(flow.id, flow));
  /** The flow of keys, after all that was joined. */
  const rootOf = (id: number | undefined): Flow | undefined => {
    let flow = known.get(id ?? 0);
    while (flow?.into !== undefined) flow = known.get(flow.into);
    return flow;
  };
  return { ...flows, rootOf };
};

describe('the flows of the live view', () => {
  it('are one from the first redirect to the grant, whatever order the parts become known in', () => {
    const flows = makeFlows();
    const app = flows.of(['state a']);
    const payer = flows.of(['state b', 'sign-in c']);
    const authorize = flows.of(['state a', 'state b'], { payer: 'northwind' });
    const callback = flows.of(['state b'], { grant: 'g', partner: 'demo-partner' });
    const token = flows.of(['grant g'], { grant: 'g' });
    const read = flows.of(['grant g', 'state b']);
    const roots = [app, payer, authorize, callback, token, read].map((id) => flows.rootOf(id)?.id);
    expect(new Set(roots).size).toBe(1);
    expect(flows.rootOf(token)).toMatchObject({ grant: 'g', payer: 'northwind', partner: 'demo-partner' });
  });

  it('never join two grants, even if a request seems to belong to both', () => {
    const flows = makeFlows();
    const one = flows.of(['grant a'], { grant: 'a' });
    const other = flows.of(['grant b'], { grant: 'b' });
    flows.of(['grant a', 'grant b']);
    const doubtful = flows.of(['hop 1', 'grant a']);
    flows.of(['hop 1', 'grant b'], { grant: 'b' });
    expect(flows.rootOf(one)?.grant).toBe('a');
    expect(flows.rootOf(other)?.grant).toBe('b');
    expect(flows.rootOf(doubtful)?.grant).toBe('a');
  });

  it('are bounded, and those in use stay', () => {
    const flows = makeFlows();
    const used = flows.of(['grant used'], { grant: 'used' });
    for (let number = 0; number < 10_000; number += 1) {
      flows.of([`key ${number}`]);
      if (number % 100 === 0) flows.of(['grant used']);
    }
    expect([...flows.all()]).toHaveLength(2000);
    expect(flows.of(['grant used'])).toBe(used);
  });

  it.each([
    [19_999, true],
    [20_000, false],
  ])('know a key again after %i others: %s', (others, isKnown) => {
    const flows = makeFlows();
    const first = flows.of(['first']);
    flows.of(Array.from({ length: others }, (_none, index) => `other ${index}`));

    expect(flows.of(['first']) === first).toBe(isKnown);
  });
});

const signIn = 'a'.repeat(20);
it.each([
  [`/interaction/${signIn}/login`, [`sign-in ${signIn}`]],
  ['/interaction/1234567', []],
  [`/oauth2/authorize/${signIn}`, [`sign-in ${signIn}`]],
  [`/oauth2/authorize/payer2payer/${signIn}`, [`sign-in ${signIn}`]],
  ['/oauth2/authorize/northwind', []],
  [`/exports/${'g'.repeat(22)}${'x'.repeat(22)}`, [`grant ${'g'.repeat(22)}`]],
  [`/exports/${'g'.repeat(22)}`, []],
])('the address %s has in common with others: %j', (path, keys) => {
  expect(keysOfUrl(new URL(path, 'http://localhost:3000'))).toEqual(keys);
});

const document = `
paths:
  /oauth2/token:
    post:
      operationId: token
      tags: [Tokens]
      responses:
        '400':
          description: |
            Wrong.

            - \`invalid_grant\`: the code is
              old. Start again.
            - \`invalid_request\`: a parameter is missing.
  /r4/{payer}/{type}:
    get:
      operationId: search
      tags: [Reading]
      responses:
        '401': { $ref: '#/components/responses/NoToken' }
components:
  responses:
    NoToken:
      description: |
        - \`invalid_token\` (\`login\`): refresh it.
        - \`invalid_request\` (\`invalid\`): no token was sent.
`;

describe('the explanation of an error', () => {
  it('is that of the request that failed, and leads to it in the API document', () => {
    const explain = explainerOf(document);
    expect(explain({ method: 'POST', path: '/oauth2/token', status: 400, error: 'invalid_grant' })).toEqual({
      says: 'the code is old. Start again.',
      href: '/api/#/Tokens/token',
    });
    expect(explain({ method: 'GET', path: '/r4/northwind/Patient', status: 401, error: 'invalid_request' })).toEqual({
      says: 'no token was sent.',
      href: '/api/#/Reading/search',
    });
  });

  it('is that of another request where the document has none for this one, and nothing for an unknown code', () => {
    const explain = explainerOf(document);
    expect(explain({ method: 'GET', path: '/elsewhere', status: 400, error: 'invalid_grant' })?.says).toBe(
      'the code is old. Start again.',
    );
    expect(explain({ method: 'GET', path: '/elsewhere', status: 400, error: 'nothing_known' })).toBeUndefined();
  });

  it("is in the gateway's own API document for every code of the gateway", async () => {
    const explain = await readExplanations();
    const unexplained = errorCodes.filter(
      (error) => explain({ method: 'GET', path: '/r4/northwind/Patient', status: 400, error }) === undefined,
    );
    expect(unexplained).toEqual([]);
  });
});

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

describe('the head of an answer', () => {
  it.each<[string, readonly unknown[], OutgoingHttpHeaders]>([
    ['a status alone', [201], { kept: 'k' }],
    ['a status and its text', [201, 'Created'], { kept: 'k' }],
    ['no headers', [201, null], { kept: 'k' }],
    ['an object of headers', [201, { 'X-One': '1', Kept: 'new' }], { kept: 'new', 'x-one': '1' }],
    ['a list of headers', [201, 'Created', ['X-One', '1', 'X-Two', '2']], { kept: 'k', 'x-one': '1', 'x-two': '2' }],
  ])('is told with the headers that were set before, where writeHead gets %s', (_what, given, headers) => {
    const written: unknown[] = [];
    const response = {
      statusCode: 201,
      getHeaders: () => ({ kept: 'k' }),
      writeHead: (...all: unknown[]) => written.push(all),
    } as unknown as ServerResponse;
    const told: unknown[] = [];
    onAnswerHead(response, (...head) => void told.push(head));

    (response.writeHead as (...all: readonly unknown[]) => unknown)(...given);

    expect([told, written]).toEqual([[[201, headers]], [given]]);
  });
});

describe('a body', () => {
  const most = 16_384;
  const pieces: readonly [string, readonly unknown[], string][] = [
    ['of several chunks', ['a', Buffer.from('b'), 'c'], 'abc'],
    ['of 16 KB', ['x'.repeat(most - 1), 'y'], `${'x'.repeat(most - 1)}y`],
    ['of a byte more', ['x'.repeat(most), 'y'], ''],
    ['of what is no text', [undefined, 7, 'a'], 'a'],
  ];

  it.each(pieces)('of a request is told at its end, and goes on to its reader: %s', (_what, chunks, text) => {
    const pushed: unknown[] = [];
    const request = { push: (chunk: unknown) => pushed.push(chunk) } as unknown as IncomingMessage;
    const told: string[] = [];
    onRequestBody(request, (body) => void told.push(body));

    for (const chunk of chunks) request.push(chunk);
    expect(told).toEqual([]);
    request.push(null);

    expect([told, pushed]).toEqual([[text], [...chunks, null]]);
  });

  it.each(pieces)('of an answer is told at its end, and goes on to the caller: %s', (_what, chunks, text) => {
    const sent: unknown[] = [];
    const write = (chunk: unknown): unknown => sent.push(chunk);
    const response = Object.assign(new EventEmitter(), { write, end: write }) as unknown as ServerResponse;
    const told: string[] = [];
    onAnswerBody(response, (body) => void told.push(body));

    for (const chunk of chunks.slice(0, -1)) response.write(chunk);
    expect(told).toEqual([]);
    response.end(chunks.at(-1));

    expect([told, sent]).toEqual([[text], chunks]);
  });
});
