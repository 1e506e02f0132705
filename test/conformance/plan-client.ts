import { createPrivateKey } from 'node:crypto';
import { testMembers } from '../../sandbox/payer/data/member-list.ts';
import { assertionOf, bundleOf, exportType, parametersOf, tokenForm } from '../support/new-plan.ts';
import { read } from './client.ts';
import { call, locationOfExport, pollToEnd, type Manifest } from './exports-client.ts';
import { planKeys, type PlanId } from './local-config.ts';
import { baseOf, type Target, type WorldTarget } from './target.ts';

/** The payer that is asked as a former plan. */
export const formerPlan = 'former-health';

const fhirJson = 'application/fhir+json';
export const asyncHeaders = { prefer: 'respond-async', accept: fhirJson, 'content-type': fhirJson };

/** The fields by which a plan proves who it is. */
export const credentialsOf = async (
  { origin }: Target,
  plan: PlanId = 'new-plan',
  claims: Readonly<Record<string, unknown>> = {},
): Promise<Record<string, string>> => {
  const { privateJwk } = planKeys[plan];
  const privateKey = createPrivateKey({ key: privateJwk, format: 'jwk' });
  const key = { kid: String(privateJwk['kid']), privateKey };
  const {
    scope: _scope,
    grant_type: _type,
    ...credentials
  } = tokenForm(await assertionOf(plan, `${origin}/oauth2/token`, key, claims), '');
  return credentials;
};

/** Asks for a system token, as SMART Backend Services has it; `change` replaces fields of the form. */
export const askSystemToken = async (
  target: Target,
  {
    plan = 'new-plan',
    change = {},
    claims = {},
    payer = formerPlan,
  }: {
    readonly plan?: PlanId;
    readonly change?: Readonly<Record<string, string | undefined>>;
    readonly claims?: Readonly<Record<string, unknown>>;
    readonly payer?: string;
  } = {},
): Promise<Response> => {
  const form = {
    grant_type: 'client_credentials',
    scope: 'system/*.rs',
    resource: baseOf(target, payer),
    ...(await credentialsOf(target, plan, claims)),
    ...change,
  };
  const sent = Object.entries(form).filter((field): field is [string, string] => field[1] !== undefined);
  return fetch(`${target.origin}/oauth2/token`, { method: 'POST', body: new URLSearchParams(sent) });
};

/** A system token. @throws Error if the answer has none */
export const systemToken = async (target: Target, plan?: PlanId): Promise<string> => {
  const answer = await askSystemToken(target, plan === undefined ? {} : { plan });
  const { access_token: token } = (await answer.json()) as { readonly access_token?: string };
  if (token === undefined) throw new Error(`No system token: ${answer.status}`);
  return token;
};

/** A member whom the former plan knows, and one whom nobody knows. */
export const known = (id: string, change: Parameters<typeof bundleOf>[2] = {}): object =>
  bundleOf(testMembers.claims, id, change);
export const nobody = (id: string): object =>
  bundleOf({ firstName: 'No', lastName: 'Body', birthDate: '1990-01-01', memberId: '99-nobody' }, id);

interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly query?: string;
  readonly payer?: string;
  readonly method?: string;
}

/** Sends a match, or what `sent` makes of it. */
export const startMatch = (
  target: Target,
  token: string | undefined,
  bundles: readonly object[],
  { headers = {}, body = JSON.stringify(parametersOf(bundles)), query = '', payer = formerPlan }: Sent = {},
): Promise<Response> =>
  read(target, `/Group/$bulk-member-match${query}`, token, {
    method: 'POST',
    payer,
    headers: { ...asyncHeaders, ...headers },
    body,
  });

/** Asks for the records of a Group, by GET, or by POST if there is a body. */
export const startGroupExport = (
  target: Target,
  token: string | undefined,
  id: string,
  {
    headers = {},
    query = `?exportType=${encodeURIComponent(exportType)}`,
    payer = formerPlan,
    body,
  }: Omit<Sent, 'method'> = {},
): Promise<Response> =>
  read(target, `/Group/${id}/$davinci-data-export${query}`, token, {
    payer,
    headers: { ...asyncHeaders, ...headers },
    ...(body === undefined ? {} : { method: 'POST', body }),
  });

/** Reads the partner's own Groups, or anything below the former plan's base. */
export const groups = (
  target: Target,
  path: string,
  token: string | undefined,
  { payer = formerPlan, headers = {}, ...init }: Sent | (Sent & { readonly body: string }) = {},
): Promise<Response> => read(target, path, token, { payer, headers: { ...headers }, ...init });

export interface Resource {
  readonly resourceType: string;
  readonly id: string;
  readonly code?: { readonly coding: readonly { readonly code: string }[] };
  readonly contained?: readonly { readonly id: string; readonly resourceType: string }[];
  readonly member?: readonly { readonly entity: { readonly reference: string } }[];
}

/** An exchange that has ended. */
export interface Ended {
  readonly url: string;
  readonly response: Response;
  readonly manifest: Manifest;
  readonly resources: readonly Resource[];
}

/** Polls an exchange to its end, and reads its files. */
export const endOf = async (begun: Response, token: string): Promise<Ended> => {
  const url = locationOfExport(begun);
  const response = await pollToEnd(url, token);
  const manifest = (await response.clone().json()) as Manifest;
  const texts = await Promise.all(manifest.output.map(async (file) => (await call(file.url, token)).text()));
  const resources = texts
    .flatMap((text) => text.split('\n').filter(Boolean))
    .map((line) => JSON.parse(line) as Resource);
  return { url, response, manifest, resources };
};

/** A match that has ended, and the record of the member whom it found. */
export interface Exchanged {
  readonly token: string;
  readonly match: Ended;
  /** The id of the Group of matched members. */
  readonly group: string;
  readonly record: Ended;
  /** A Group for further exports: another one of the same Group replaces the record. */
  readonly spare: string;
}

const made = new WeakMap<WorldTarget, Promise<Exchanged>>();

export const codeOf = ({ code }: Resource): string | undefined => code?.coding[0]?.code;

const matched = async (target: WorldTarget, token: string, bundles: readonly object[]) => {
  const match = await endOf(await startMatch(target, token, bundles), token);
  return { match, group: match.resources.find((one) => codeOf(one) === 'match')?.id ?? '' };
};

const exchange = async (target: WorldTarget): Promise<Exchanged> => {
  const token = await systemToken(target);
  const { match, group } = await matched(target, token, [known('shared-a'), nobody('shared-b')]);
  const { group: spare } = await matched(target, token, [known('spare-a')]);
  const record = await endOf(await startGroupExport(target, token, group), token);
  return { token, match, group, record, spare };
};

/** One exchange for all tests that only read it. */
export const exchanged = (target: WorldTarget): Promise<Exchanged> => {
  const one = made.get(target) ?? exchange(target);
  made.set(target, one);
  return one;
};
