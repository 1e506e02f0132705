import { eventTypes } from '../../functions/shared/events/event.ts';
import { callerOf } from '../aws/calls.ts';
import type { WatchAws } from '../aws/endpoint.ts';
import type { AwsAnswer, AwsRequest } from '../aws/service.ts';
import type { FlowName, Pair, Step, Stored } from './event.ts';
import type { Hub } from './hub.ts';
import { attemptKey, eventKey, grantKey, grantOfExport } from './keys.ts';
import type { Mask } from './mask-url.ts';
import type { OpenHops } from './open-hops.ts';
import { showItem, showUpdate, type Item } from './show-item.ts';

/** The stack's names by the physical ones. */
export interface Names {
  readonly tables: ReadonlyMap<string, string>;
  readonly buckets: ReadonlyMap<string, string>;
  readonly functions: ReadonlyMap<string, string>;
}

interface Write {
  readonly TableName?: string;
  readonly Item?: Item;
  readonly Key?: Item;
  readonly UpdateExpression?: string;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues?: Item;
}

const actions: Readonly<Record<string, string>> = { PutItem: 'put', UpdateItem: 'update', DeleteItem: 'delete' };

const idForm = /^[\w-]{22}$/;

/** What an item has in common with the requests that it belongs to. */
const keysOfItem = ({ stateHash, grantId }: Item): string[] => [
  ...(stateHash?.S === undefined ? [] : [attemptKey(stateHash.S)]),
  ...(grantId?.S !== undefined && idForm.test(grantId.S) ? [grantKey(grantId.S)] : []),
];

const nameOfItem = ({ grantId, payer, partner }: Item, { known }: Mask): FlowName => ({
  ...(grantId?.S !== undefined && idForm.test(grantId.S) ? { grant: grantId.S } : {}),
  ...(payer?.S !== undefined && known.payers.has(payer.S) ? { payer: payer.S } : {}),
  ...(partner?.S !== undefined && known.clients.has(partner.S) ? { partner: partner.S } : {}),
});

const ttlOf = ({ expiresAt }: Item): number | undefined => {
  const seconds = Number(expiresAt?.N) - Math.floor(Date.now() / 1000);
  return Number.isFinite(seconds) ? seconds : undefined;
};

const knownTypes: ReadonlySet<string> = new Set(eventTypes);

/** Shows each write to a table or a bucket, and each durable function that is started. */
export const watchAws = (hub: Hub, mask: Mask, open: OpenHops, names: () => Names | undefined): WatchAws => {
  const callerName = (request: AwsRequest): string => {
    const caller = callerOf(request);
    return [...(names()?.functions.values() ?? [])].includes(caller) ? caller : 'another caller';
  };

  const add = (event: Stored | Step, keys: readonly string[], name?: FlowName): void => {
    const cause = open.ofFunction(event.by);
    hub.add(event, () => [...keys, ...(cause === undefined ? [] : [cause])], name);
  };

  const write = (operation: string, request: AwsRequest, answer: AwsAnswer): void => {
    const action = actions[operation];
    if (action === undefined) return;
    const body = JSON.parse(request.body.toString()) as Write;
    const where = names()?.tables.get(body.TableName ?? '');
    if (where === undefined) return;
    const { item, removed } =
      body.UpdateExpression === undefined ? { item: body.Item ?? {}, removed: [] } : showUpdate(body);
    const all = { ...body.Key, ...item };
    const attributes: Pair[] = [...showItem(all, mask), ...removed.map((name): Pair => [name, 'removed'])];
    const ttlSeconds = ttlOf(all);
    const stored: Stored = {
      kind: 'stored',
      by: callerName(request),
      action,
      where,
      attributes,
      ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
      ...(answer.status === 200 ? {} : { refused: true }),
    };
    const name = nameOfItem(all, mask);
    // The job has no request of its own, so this tells for which grant it reads from the payer.
    if (stored.by === 'exportJob' && name.grant !== undefined && name.payer !== undefined)
      open.works(name.grant, name.payer);
    add(stored, keysOfItem(all), name);
  };

  const object = (request: AwsRequest): void => {
    const action = ({ PUT: 'put', DELETE: 'delete' } as Readonly<Record<string, string>>)[request.method];
    const [bucket = '', first = ''] = decodeURIComponent(request.path).slice(1).split('/');
    const where = names()?.buckets.get(bucket);
    if (action === undefined || where === undefined || first === '') return;
    const bytes = request.headers['x-amz-decoded-content-length'] ?? request.headers['content-length'];
    const attributes: Pair[] = [['object', mask.mark(request.path)]];
    if (/^\d{1,12}$/.test(String(bytes))) attributes.push(['bytes', String(bytes)]);
    const grant = grantOfExport(first);
    add(
      { kind: 'stored', by: callerName(request), action, where, attributes },
      grant === undefined ? [] : [grantKey(grant)],
    );
  };

  const start = (request: AwsRequest): void => {
    const [, target = ''] = /\/functions\/([^/]+)\/invocations$/.exec(decodeURIComponent(request.path)) ?? [];
    const function_ = names()?.functions.get(target.replace(/^arn:.*:function:/, '').replace(/:.*/, ''));
    if (function_ === undefined) return;
    const payload = JSON.parse(request.body.toString() || '{}') as {
      exportId?: string;
      id?: string;
      type?: string;
      partner?: string;
      data?: { grant?: string; reason?: string };
    };
    const { exportId = '', id = '', type = '', partner = '', data = {} } = payload;
    const grant = idForm.exec(data.grant ?? grantOfExport(exportId) ?? '')?.[0];
    const event = knownTypes.has(type) ? type : undefined;
    const facts: Pair[] = [['function', function_]];
    if (event !== undefined && mask.known.clients.has(partner)) facts.push(['to', partner]);
    const text = event === undefined ? `starts ${function_}` : `event ${event}`;
    const keys = [...(event === undefined ? [] : [eventKey(id)]), ...(grant === undefined ? [] : [grantKey(grant)])];
    add({ kind: 'step', by: callerName(request), text, facts }, keys, grant === undefined ? {} : { grant });
  };

  return (request, answer) => {
    try {
      const [service = '', operation = ''] = String(request.headers['x-amz-target'] ?? '').split('.');
      if (service.startsWith('DynamoDB_')) write(operation, request, answer);
      else if (service === '' && request.method === 'POST') start(request);
      else if (service === '') object(request);
    } catch {
      // What cannot be read is not shown; the call itself is none of our business.
    }
  };
};
