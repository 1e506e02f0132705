/**
 * Prints how much work it is to read inputs of growing size, each made as hard as possible: how many blocks of our code
 * run (V8's own counters), and how many characters and elements are passed to the built-ins that look at each of them.
 * The figures are the same on every machine. What happens inside a built-in, such as the backtracking of a regular
 * expression, is not counted. Run as its own process, since both counters see the whole process.
 */
import { readMatch } from '../../functions/export-job/exchange/read-groups.ts';
import { checkResource } from '../../functions/export-job/reading/check-resource.ts';
import { fetchHandler } from '../../functions/fetch/handler.ts';
import { parameters } from '../../functions/shared/http/api.ts';
import { readCookies } from '../../functions/shared/http/cookies.ts';
import { parseForm } from '../../functions/shared/http/form.ts';
import { collecting } from '../functions/export-job/reading/bundles.ts';
import { fetchGateway, fhir } from '../support/fetch-gateway.ts';
import { apiEvent, call } from '../support/gateway.ts';
import { basic, gateway } from '../support/login.ts';
import { callStreaming } from '../support/stream-handler.ts';
import { words } from '../support/words.ts';
import { countBlocks } from './count-blocks.ts';

let handed = 0;

type Method = (this: unknown, ...rest: unknown[]) => unknown;
const lengthOf = (value: unknown): number =>
  typeof value === 'string' || Array.isArray(value) || value instanceof Uint8Array ? value.length : 0;

/** Counts what a built-in is given to look at: its receiver and its first argument. */
const count = (owner: object, names: readonly string[]): void => {
  const methods = owner as Record<string, Method>;
  for (const name of names) {
    const original = methods[name] as Method;
    methods[name] = function counted(this: unknown, ...given: unknown[]): unknown {
      handed += lengthOf(this) + lengthOf(given[0]);
      return Reflect.apply(original, this, given);
    };
  }
};
count(
  String.prototype,
  words(`
  split indexOf lastIndexOf includes match matchAll replace replaceAll search toLowerCase toUpperCase trim
`),
);

/**
 * A regular expression looks from its start index to the end of its match; `split` and `replace` call it once per
 * match.
 */
const exec: (this: RegExp, text: string) => RegExpExecArray | null = Reflect.get(RegExp.prototype, 'exec');
const countedExec = function (this: RegExp, text: string) {
  const from = this.global || this.sticky ? this.lastIndex : 0;
  const found = exec.call(this, text);
  const to = found === null ? (this.sticky ? from + 1 : text.length) : found.index + found[0].length;
  handed += Math.max(1, to - from);
  return found;
};
Object.assign(RegExp.prototype, { exec: countedExec });
count(Array.prototype, ['includes', 'indexOf', 'join', 'concat', 'sort', 'shift', 'unshift']);
count(JSON, ['parse']);
count(Buffer, ['from']);
count(globalThis, ['decodeURIComponent', 'encodeURIComponent']);
// Of bytes, only what is copied: pages are read in parts of one buffer.
for (const name of ['copy', 'toString'] as const) {
  const original = Buffer.prototype[name] as Method;
  Object.assign(Buffer.prototype, {
    [name](this: Buffer, ...given: unknown[]): unknown {
      const made = Reflect.apply(original, this, given);
      handed += typeof made === 'number' ? made : lengthOf(made);
      return made;
    },
  });
}

/** The one built-in among them that is known to take quadratic time, if names have no value. */
globalThis.URLSearchParams = class extends URLSearchParams {
  constructor(init?: ConstructorParameters<typeof URLSearchParams>[0]) {
    super(init);
    if (typeof init === 'string') handed += init.length ** 2;
  }
};

const workOf = async (run: () => unknown): Promise<number> => {
  let characters = 0;
  const blocks = await countBlocks(/\/(?:functions|config)\//, async () => {
    handed = 0;
    await run();
    characters = handed;
  });
  return blocks + characters;
};

const test = gateway();
const reads = fetchGateway();
reads.payer.http = async () => fhir({ resourceType: 'Bundle' });
const { token } = await reads.grant({ patient: 'patient-1' });
const fhirHandler = fetchHandler(reads.deps);
const fhirRead = (
  proxy: string,
  {
    query = [],
    headers = {},
    form,
  }: { query?: [string, string][]; headers?: Record<string, string>; form?: string } = {},
) =>
  callStreaming(
    fhirHandler,
    apiEvent('/r4/{payer}/{proxy+}', {
      path: { payer: 'northwind', proxy },
      query,
      headers: { Authorization: `Bearer ${token}`, ...headers },
      ...(form === undefined ? {} : { method: 'POST', form }),
    }),
  );
const assertionOf = (payload: string): string =>
  `${Buffer.from('{"alg":"ES384"}').toString('base64url')}.${Buffer.from(payload).toString('base64url')}.AAAA`;
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const login = { client_id: 'demo-partner', redirect_uri: 'http://localhost:3002/callback', state: 's' };

/** A part of a payer's page, which arrives in chunks. */
const page = (text: string) => (): void => {
  const bytes = Buffer.from(text);
  const { splitter } = collecting();
  for (let at = 0; at < bytes.length; at += 1024) splitter.push(bytes.subarray(at, at + 1024));
};
const resource = '{"resourceType":"Bundle","entry":[{"resource":{"a":';

/** As many of something as one of them is long. */
const many = <T>(length: number, make: (at: number) => T): T[] =>
  Array.from({ length: length / JSON.stringify(make(10_000)).length }, (_, at) => make(at));

const bases = { bases: ['https://payer.example.org/r4'] };
/** A payer's resource, about which the job decides whether it is the member's. */
const about = (given: { readonly resourceType: string; readonly [name: string]: unknown }) => (): void =>
  void checkResource(
    { type: given.resourceType, resource: given, resources: Number.POSITIVE_INFINITY },
    { ...bases, patient: 'p', isWanted: () => true },
  );

/** A former plan's Groups, which answer a match of as many members. */
const groups = (length: number, changes: (at: number) => object, most = 1) => {
  const submitted = many(length, (at) => ({ resourceType: 'Patient', id: `m${at}` }));
  const parameter = submitted.map((one) => ({ part: [{ resource: one }] }));
  const code = { coding: [{ code: 'match' }] };
  const given = Array.from({ length: most }, (_, at) => ({
    line: '',
    resource: { resourceType: 'Group', id: `g${at}`, type: 'person', actual: true, code, ...changes(at) },
  }));
  const consent = { id: 'c', hash: 'h' };
  const members = submitted.map(({ id }) => ({ patient: id, consent }));
  const input = { kind: 'match', body: JSON.stringify({ parameter }), members } as const;
  return () => readMatch(given, input, bases, 0);
};
const matchUrl = 'http://hl7.org/fhir/us/davinci-pdex/StructureDefinition/base-ext-match-parameters';
const entry = (at: number) => ({
  entity: {
    extension: [{ url: matchUrl, valueReference: { reference: `#m${at}` } }],
    reference: `Patient/p${at}`,
  },
});
const contained = (at: number) => ({ resourceType: 'Patient', id: `m${at}` });
const npi = (at: number) => ({ system: 'http://hl7.org/fhir/sid/us-npi', value: String(1e9 + at) });
const characteristic = (at: number) => ({
  code: { coding: [{ code: 'match' }] },
  valueReference: { identifier: npi(at) },
});

/** Inputs of about the requested length, by kind. */
const inputs: Readonly<Record<string, (length: number) => () => unknown>> = {
  'a form of names without values': (length) => () => test.token('a&'.repeat(length / 2)),
  'a search of names without values': (length) => () =>
    fhirRead('Observation/_search', { form: 'a&'.repeat(length / 2) }),
  'names without values at authorize': (length) => () =>
    call(
      test.handlers.authorize,
      apiEvent('/oauth2/authorize/{payer}', {
        method: 'POST',
        path: { payer: 'northwind' },
        form: 'a&'.repeat(length / 2),
      }),
    ),
  'a form of equals signs': (length) => () => parseForm('='.repeat(length)),
  'a form of different names': (length) => {
    const form = Array.from({ length: length / 8 }, (_, at) => `${at + 100_000}=x`).join('&');
    return () => parameters(parseForm(form));
  },
  'a form of escapes': (length) => () => parseForm(`a=${'%C3%A9'.repeat(length / 6)}`),
  'a form of broken escapes': (length) => () => parseForm(`a=${'%%2'.repeat(length / 3)}`),
  cookies: (length) => () => readCookies(apiEvent('/x', { headers: { Cookie: 'a=b; '.repeat(length / 5) } })),
  'cookies without an end': (length) => () =>
    readCookies(apiEvent('/x', { headers: { Cookie: `;${' '.repeat(length)}` } })),
  'a client and its secret in Basic': (length) => () =>
    test.token({ grant_type: 'x' }, basic('demo-partner', '%'.repeat(length))),
  'spaces behind Basic': (length) => () =>
    test.token({ grant_type: 'x' }, { Authorization: `Basic ${' '.repeat(length)}:` }),
  'a client assertion': (length) => () =>
    test.token(
      { client_assertion: assertionOf(`{"sub":"${'a'.repeat(length)}"}`), client_assertion_type: assertionType },
      {},
    ),
  'a client assertion of dots': (length) => () =>
    test.token({ client_assertion: '.'.repeat(length), client_assertion_type: assertionType }, {}),
  'a code': (length) => () => test.redeem(`p2pc_${'A'.repeat(length)}`),
  'a refresh token': (length) => () => test.refresh(`p2pr_${'A'.repeat(length)}`),
  'scopes at authorize': (length) => () => test.authorize({ ...login, scope: 'patient/*.rs '.repeat(length / 13) }),
  'different scopes at authorize': (length) => {
    const scope = Array.from({ length: length / 19 }, (_, at) => `patient/A${at + 100_000}.rs`).join(' ');
    return () => test.authorize({ ...login, scope });
  },
  'a redirect URI': (length) => () =>
    test.authorize({ ...login, redirect_uri: `http://127.0.0.1:${'1'.repeat(length)}/callback` }),
  'parameters at authorize': (length) => () =>
    test.authorize(Array.from({ length: length / 8 }, (_, at): [string, string] => [`p${at + 100_000}`, 'x'])),
  'a state at the callback': (length) => () => test.callback({ state: 'A'.repeat(length) }),
  'a bearer': (length) => () =>
    fhirRead('Patient', { headers: { Authorization: `Bearer p2pa_${'A'.repeat(length)}` } }),
  'spaces behind Bearer': (length) => () =>
    fhirRead('Patient', { headers: { Authorization: `Bearer${' '.repeat(length)}\n` } }),
  'media types': (length) => () => fhirRead('Patient', { headers: { Accept: 'a/b;q=1,'.repeat(length / 8) } }),
  'parameters of a media type': (length) => () =>
    fhirRead('Patient', { headers: { Accept: `a/b${';'.repeat(length)}` } }),
  'a FHIR path': (length) => () => fhirRead('Patient/'.repeat(length / 8)),
  'a FHIR path of escapes': (length) => () => fhirRead(`Patient/${'%41'.repeat(length / 3)}`),
  'search parameters': (length) => () =>
    fhirRead('Observation', { query: Array.from({ length: length / 8 }, (): [string, string] => ['code', 'x']) }),
  'a search by ids': (length) => () => fhirRead('Observation/_search', { form: `_id=${'a,'.repeat(length / 2)}` }),
  'a chain': (length) => () => fhirRead('Observation', { query: [['subject.'.repeat(length / 8), 'x']] }),
  'reverse chains': (length) => () =>
    fhirRead('Patient', { query: [[`${'_has:Observation:patient:'.repeat(length / 25)}code`, 'x']] }),
  modifiers: (length) => () => fhirRead('Observation', { query: [[`code${':a'.repeat(length / 2)}`, 'x']] }),
  includes: (length) => () =>
    fhirRead('Observation', { query: [['_include', 'Observation:subject,'.repeat(length / 20)]] }),
  'references to a patient': (length) => () =>
    fhirRead('Observation', { query: [['patient', 'Patient/patient-1,'.repeat(length / 18)]] }),
  'a reference of slashes': (length) => () => fhirRead('Observation', { query: [['patient', '/'.repeat(length)]] }),
  'a reference of escapes': (length) => () =>
    fhirRead('Observation', { query: [['patient', '%25'.repeat(length / 3)]] }),
  "a page's string of quotes": (length) => page(`{"a":"${String.raw`\"`.repeat(length / 2)}`),
  'a page of arrays in arrays': (length) => page(`{"a":${'['.repeat(length)}`),
  'a page of which a name has no end': (length) => page(`{"${'k'.repeat(length)}`),
  "a resource's string of escapes": (length) => page(`${resource}"${'\\\\'.repeat(length / 2)}`),
  "a resource's many strings": (length) => page(`${resource}[${'"",'.repeat(length / 3)}`),
  "a resource's white space": (length) => page(`${resource}${' '.repeat(length)}`),
  'references to contained resources': (length) =>
    about({
      resourceType: 'Appointment',
      // Ids of one length, so that twice as many are twice the text.
      participant: many(length, (at) => ({ actor: { reference: `#${10_000 + at}` } })),
      contained: many(length, (at) => ({ resourceType: 'Basic', id: `${10_000 + at}` })),
    }),
  'entries of a Group': (length) =>
    groups(length, () => ({ member: many(length, entry), contained: many(length, contained) })),
  'identifiers of a Group': (length) => groups(length, () => ({ identifier: many(length, npi) })),
  'characteristics of a Group': (length) => groups(length, () => ({ characteristic: many(length, characteristic) })),
  'codes of a Group': (length) =>
    groups(length, () => {
      const one = characteristic(0);
      return { characteristic: [{ ...one, code: { coding: many(length, () => one.code.coding[0]) } }] };
    }),
  'Groups of a match': (length) => groups(length, () => ({}), length / 100),
};

const counts: Record<string, number[]> = {};
for (const [kind, input] of Object.entries(inputs)) {
  const row: number[] = (counts[kind] = []);
  // What is made once, such as a table of search parameters, is not counted as work for this input.
  await input(64)();
  for (const length of [10_000, 20_000, 40_000]) row.push(await workOf(input(length)));
}
process.stdout.write(JSON.stringify(counts), () => process.exit(0));
