import { createPrivateKey } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { testMembers } from '../../sandbox/payer/data/member-list.ts';
import type { HeardRequest } from '../../sandbox/payer/exchange/options.ts';
import { newPlanKey } from '../../sandbox/sign-in/demo-partner-key.ts';
import {
  assertionOf,
  bundleOf,
  consentOf,
  exportType,
  parametersOf,
  tokenForm,
  type Manifest,
} from '../support/new-plan.ts';
import { askAgainWhereBusy, startStack, type RunningStack } from './support.ts';

/*
 * An exchange between two plans, through the whole product: the new plan's own system, written from PDex 2.2 and SMART Backend
 * Services, the gateway, and the sandbox as the former plan. What leaves the gateway is what the former plan has heard.
 */

askAgainWhereBusy();

const { claims, bare } = testMembers;
const nobody = { firstName: 'No', lastName: 'Body', birthDate: '1990-01-01', memberId: '99-nobody' };
const heard: HeardRequest[] = [];
let stack: RunningStack;
let base: string;

beforeAll(async () => {
  stack = await startStack({ formerPlan: { heard: (request) => heard.push(request) } });
  base = `${stack.origin}/r4/demo-health-plan`;
});
afterAll(() => stack.close());

const askToken = async (): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> => {
  const url = `${stack.origin}/oauth2/token`;
  const { kid, privateKey } = newPlanKey();
  const assertion = await assertionOf('new-plan', url, { kid, privateKey: createPrivateKey(privateKey) });
  const body = new URLSearchParams({ ...tokenForm(assertion, 'system/*.rs'), resource: base });
  const answer = await fetch(url, { method: 'POST', body });
  return { status: answer.status, body: (await answer.json()) as Readonly<Record<string, unknown>> };
};

const send = (url: string, token: string | undefined, init: RequestInit = {}): Promise<Response> =>
  fetch(url, {
    redirect: 'manual',
    ...init,
    headers: {
      'content-type': 'application/fhir+json',
      prefer: 'respond-async',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
  });
const startMatch = (token: string | undefined, bundles: readonly object[]): Promise<Response> =>
  send(`${base}/Group/$bulk-member-match`, token, { method: 'POST', body: JSON.stringify(parametersOf(bundles)) });

/** Polls to the end. */
const endOf = async (
  begun: Response,
  token: string,
): Promise<{ readonly status: string; readonly manifest: Manifest }> => {
  const status = begun.headers.get('content-location') ?? '';
  for (;;) {
    const answer = await send(status, token);
    if (answer.status === 200) return { status, manifest: (await answer.json()) as Manifest };
    if (answer.status !== 202) throw new Error(`status ${answer.status}: ${await answer.text()}`);
    await delay(Number(answer.headers.get('retry-after') ?? 1) * 1000);
  }
};

interface Resource {
  readonly resourceType: string;
  readonly id: string;
  readonly code?: { readonly coding: readonly { readonly code: string }[] };
  readonly contained?: readonly { readonly id: string }[];
}

const linesOf = async ({ output }: Manifest, token: string): Promise<readonly Resource[]> => {
  const texts = await Promise.all(output.map(async ({ url }) => (await send(url, token)).text()));
  return texts.flatMap((text) => text.split('\n').filter(Boolean)).map((line) => JSON.parse(line) as Resource);
};

it('goes from a token over a match and its Groups to the record of the matched member, and ends', async () => {
  const { status: granted, body } = await askToken();
  const token = String(body['access_token']);
  expect([granted, body]).toEqual([
    200,
    { access_token: token, token_type: 'Bearer', expires_in: 300, scope: 'system/*.rs' },
  ]);
  const asked = [bundleOf(claims, 'a'), bundleOf(nobody, 'b')];
  const begun = await startMatch(token, asked);
  expect(begun.status).toBe(202);
  const match = await endOf(begun, token);
  const groups = (await linesOf(match.manifest, token)).filter(({ resourceType }) => resourceType === 'Group');
  expect(groups.map(({ code, contained }) => [code?.coding[0]?.code, contained?.map(({ id }) => id)])).toEqual([
    ['match', ['a']],
    ['nomatch', ['b']],
  ]);
  const [group] = groups;
  expect(await (await send(`${base}/Group/${group?.id}`, token)).json()).toEqual(group);

  const exporting = await send(
    `${base}/Group/${group?.id}/$davinci-data-export?exportType=${encodeURIComponent(exportType)}`,
    token,
  );
  const { status, manifest } = await endOf(exporting, token);
  const resources = await linesOf(manifest, token);
  const about = new Set(resources.flatMap((one) => JSON.stringify(one).match(/(?<=[/"])Patient\/[\w-]+/g) ?? []));
  expect(resources.filter(({ resourceType }) => resourceType === 'ExplanationOfBenefit').length).toBeGreaterThan(5);
  expect(resources.filter(({ resourceType }) => resourceType === 'Patient')).toHaveLength(1);
  expect(about.size).toBe(1);

  for (const url of [status, match.status]) {
    expect((await send(url, token, { method: 'DELETE' })).status).toBe(202);
    expect((await send(url, token)).status).toBe(404);
  }
  expect((await send(manifest.output[0]?.url ?? '', token)).status).toBe(404);

  // What left the gateway: its own tokens, to the payer's host only, and the members as they were asked for.
  const host = new URL(stack.urls.demoHealthPlan).host;
  expect(new Set(heard.map((request) => request.host))).toEqual(new Set([host]));
  expect(heard.some(({ headers }) => JSON.stringify(headers).includes(token))).toBe(false);
  expect(heard.filter(({ at }) => at === 'match').map((request) => JSON.parse(request.body) as unknown)).toEqual([
    parametersOf(asked),
  ]);
  expect(heard.filter(({ at }) => at === 'elsewhere')).toEqual([]);
});

it.each([
  ['names another plan as the recipient', consentOf('c', {}, { actor: [] })],
  ['has ended', consentOf('c', {}, { period: { start: '2020-01-01', end: '2020-12-31' } })],
  ['is about another member', consentOf('d')],
])('sends nothing to the former plan, neither of other members, if a consent %s', async (_what, consent) => {
  heard.length = 0;
  const token = String((await askToken()).body['access_token']);
  const answer = await startMatch(token, [bundleOf(claims, 'a'), bundleOf(bare, 'c', { consent })]);
  const outcome = await answer.text();
  expect([answer.status >= 400 && answer.status < 500, outcome]).toEqual([
    true,
    expect.stringContaining('parameter[1]'),
  ]);
  await delay(1000);
  expect(heard).toEqual([]);
});
