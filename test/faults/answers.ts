import { redirectUri } from '../support/login.ts';
import type { GatewayAnswer } from './instance.ts';
import type { Path } from './paths.ts';
import { healthMarker } from './payer.ts';

/** What no answer may contain: paths of our code, what it runs on, or the words of an internal error. */
const innards = /\bat .{1,200}\.(?:ts|js|mjs)\b|node_modules|ECONN|socket|dynamodb|Exception|TypeError|SyntaxError/i;
/** Tokens, states and sealed links: by chance, a random text has any short word. */
const random = /[\w-]{40,}/g;
const issuer = 'https://gateway.example.org/r4/northwind';

const waitOf = ({ headers }: GatewayAnswer): string =>
  headers['Retry-After'] === undefined ? '' : ` (wait ${headers['Retry-After']} s)`;

const needsWait = ({ status }: GatewayAnswer): boolean => status === 503 || status === 429;

const ofBrowser = (answer: GatewayAnswer): string => {
  const { status, headers, body } = answer;
  if (status !== 302) {
    if (!headers['Content-Type']?.startsWith('text/html') || !body.includes('<h1>')) throw new Error('no page');
    return `page ${status}${waitOf(answer)}`;
  }
  const to = new URL(headers['Location'] ?? '');
  if (!to.href.startsWith(redirectUri)) return 'on to the payer';
  const [code, error] = [to.searchParams.get('code'), to.searchParams.get('error')];
  if (to.searchParams.get('state') !== 'partner-state' || to.searchParams.get('iss') !== issuer) {
    throw new Error('back without state or iss');
  }
  if ((code === null) === (error === null)) throw new Error('back with neither code nor error');
  return error === null ? 'back with a code' : `back with \`${error}\``;
};

const ofOAuth = (answer: GatewayAnswer): string => {
  const { status, headers, body } = answer;
  const value = JSON.parse(body) as Record<string, unknown>;
  if (!headers['Content-Type']?.startsWith('application/json')) throw new Error('no JSON');
  if (status === 200) {
    if ('access_token' in value) return '200 tokens';
    return 'active' in value ? `200 active: ${String(value['active'])}` : '200';
  }
  if (typeof value['error'] !== 'string' || typeof value['error_description'] !== 'string') {
    throw new Error('no OAuth error (RFC 6749 §5.2)');
  }
  return `${status} \`${value['error']}\`${waitOf(answer)}`;
};

const ofFhir = (answer: GatewayAnswer): string => {
  const { status, body, cut } = answer;
  if (cut) return `${status}, cut`;
  const { resourceType, issue } = JSON.parse(body) as { resourceType: string; issue?: readonly { code?: string }[] };
  if (status === 200) {
    if (resourceType !== 'Bundle' || !body.includes(healthMarker)) throw new Error('a record without what is in it');
    return '200 record';
  }
  if (resourceType !== 'OperationOutcome') throw new Error('no OperationOutcome');
  return `${status} \`${issue?.[0]?.code}\`${waitOf(answer)}`;
};

const ofDiscovery = ({ status, body }: GatewayAnswer): string => {
  const { rest } = JSON.parse(body) as { rest?: readonly { resource: readonly unknown[] }[] };
  if (rest === undefined) return String(status);
  // The payer's own statement has one resource type.
  return rest[0]?.resource.length === 1 ? `${status}, the payer's` : `${status}, one of ours`;
};

const readers = { browser: ofBrowser, OAuth: ofOAuth, FHIR: ofFhir, discovery: ofDiscovery };

/** API Gateway gives up on a buffered answer after this. */
const bufferedLimitMs = 29_000;

/**
 * What the caller saw, in a few words.
 * @throws Error if it is not a standard answer of its route: each kind has its format, a request to retry says when,
 * nothing reveals internals, and a buffered answer arrives in time
 */
export const describeAnswer = (kind: Path['kind'], answer: GatewayAnswer): string => {
  const said = JSON.stringify([answer.headers, answer.body]);
  if (innards.test(said.replace(random, ''))) throw new Error(`innards: ${said}`);
  if (kind !== 'FHIR' && answer.ms > bufferedLimitMs) throw new Error(`took ${Math.round(answer.ms)} ms`);
  if (answer.status === 500) throw new Error(`500: ${said}`);
  if (answer.status !== 200 && answer.body.includes(healthMarker)) throw new Error('health data in an error');
  if (needsWait(answer) && answer.headers['Retry-After'] === undefined) throw new Error('no Retry-After');
  return readers[kind](answer);
};
