import { randomBytes } from 'node:crypto';
import { fetchHandler } from '../../functions/fetch/handler.ts';
import { nowSeconds } from '../../functions/shared/clock.ts';
import { sealGroupBody, type GroupMember } from '../../functions/shared/exchanges/group.ts';
import { openInput, type ExchangeInput } from '../../functions/shared/exchanges/input.ts';
import type { RegistryData } from '../../functions/shared/registry/types.ts';
import { writeBearer } from '../../functions/shared/store/bearers.ts';
import { sha256 } from '../../functions/shared/store/crypto.ts';
import { exchangeOwner } from '../../functions/shared/store/exchange-items.ts';
import { getInput } from '../../functions/shared/store/exchanges.ts';
import { boundOf, type Export } from '../../functions/shared/store/export-item.ts';
import { putSystemToken } from '../../functions/shared/store/system-tokens.ts';
import { async, exportGateway } from './export-gateway.ts';
import { readEvent } from './fetch-gateway.ts';
import { es384Jwk, localRegistry, withPartner, withPayer } from './login.ts';
import { npi } from './member-bundle.ts';
import { putGroup } from './put-group.ts';
import { callStreaming, type StreamedAnswer } from './stream-handler.ts';

/** NPIs of the plans in these tests; CMS's own example, and others with right check digits. */
export const oldPlan = '9876543213';
export const newPlan = '1234567893';
const thirdPlan = '1111111112';

/** The local registry, in which two partners may ask Northwind for records as a former plan. */
export const exchangeRegistry = ({ plan = oldPlan } = {}): RegistryData =>
  [
    withPartner('demo-partner', { exchange: { identifiers: [{ system: npi, value: newPlan }] } }),
    withPartner('demo-app', { exchange: { identifiers: [{ system: npi, value: thirdPlan }] } }),
    withPayer('northwind', {
      exchange: {
        clientId: 'gateway-as-new-plan',
        assertionAlgorithm: 'ES384',
        publicKeys: [es384Jwk('exchange-1').publicJwk],
        scopes: ['system/*.rs'],
        identifiers: [{ system: npi, value: plan }],
      },
    }),
  ].reduce((registry, change) => change(registry), localRegistry());

interface AskOptions {
  readonly method?: string;
  readonly body?: unknown;
  readonly isBase64?: boolean;
  readonly query?: string;
  readonly headers?: Record<string, string>;
}

interface GroupOptions {
  readonly id?: string;
  readonly partner?: string;
  readonly code?: string;
  readonly members?: readonly GroupMember[];
  /** Of the payer's Group. @default one for each member */
  readonly entries?: number;
  readonly resource?: string;
  readonly lives?: number;
  /** Of the match that it is from. */
  readonly exportId?: string;
  /** Of the payer's Group, as a hash. @default the same of every Group */
  readonly patients?: string;
}

/** Everything that exchanges need, from a system token to the item and the input of a kick-off. */
export const exchangeGateway = ({ registry = exchangeRegistry(), mostRunning = 20 } = {}) => {
  const test = exportGateway({ registry });
  const exchange = {
    exchanges: { client: test.dynamo.client, name: 'Exchanges' },
    audit: { client: test.dynamo.client, name: 'AuditEvents' },
    openInJob: test.openInJob,
    groupDays: 396,
    mostRunning,
  };
  const deps = { ...test.deps, exchange };
  const systemToken = async ({ partner = 'demo-partner', payer = 'northwind', lives = 300 } = {}): Promise<string> => {
    const token = writeBearer({ kind: 'system', secret: randomBytes(32) });
    const now = nowSeconds(deps.clock);
    await putSystemToken(exchange.exchanges, { hash: sha256(token), partner, payer, now, expiresAt: now + lives });
    return token;
  };
  /** Asks below the payer's FHIR base, as a partner's own system does. */
  const ask = (
    path: string,
    token: string | undefined,
    { body, isBase64 = false, query = '', method = body === undefined ? 'GET' : 'POST', headers = {} }: AskOptions = {},
  ): Promise<StreamedAnswer> => {
    const event = readEvent(path, token, {
      method,
      query,
      headers: { ...async, ...(body === undefined ? {} : { 'Content-Type': 'application/fhir+json' }), ...headers },
    });
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return callStreaming(
      fetchHandler(deps),
      body === undefined ? event : { ...event, body: text, isBase64Encoded: isBase64 },
    );
  };
  /** Stores a Group as a match's end does. */
  const group = async ({ id = 'group-1', partner = 'demo-partner', code = 'match', ...rest }: GroupOptions = {}) => {
    const owner = exchangeOwner({ payer: 'northwind', partner });
    const key = randomBytes(32);
    const now = nowSeconds(deps.clock);
    const { members = [], resource = JSON.stringify({ resourceType: 'Group', id }), lives = 3600 } = rest;
    const { exportId = 'match-1', patients } = rest;
    const { entries = members.length } = rest;
    await putGroup(exchange.exchanges, {
      owner,
      id,
      code,
      members: entries,
      key: await deps.sealForJob({ group: `${owner}/${id}`, partner }, 'group key', key),
      body: await sealGroupBody({ randomBytes }, key, { owner, id }, { resource, members }),
      exportId,
      createdAt: now,
      expiresAt: now + lives,
      ...(patients !== undefined && { patients }),
    });
    return { owner, id };
  };
  /** What an exchange asks of the payer, opened as its job does. */
  const inputOf = async (item: Export): Promise<ExchangeInput> => {
    const { exportId, payer, partner, inputKey = new Uint8Array() } = item;
    const input = await getInput(exchange.exchanges, exchangeOwner({ payer, partner }), exportId);
    return openInput({ openInJob: test.openInJob }, exportId, { inputKey, input }, boundOf(item));
  };
  return { ...test, deps, systemToken, ask, group, inputOf };
};

export type ExchangeGateway = ReturnType<typeof exchangeGateway>;
