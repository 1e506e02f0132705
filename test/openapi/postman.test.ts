import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../docs/documents.ts';
import { operations } from './document.ts';
import { operationsAt } from './match.ts';

interface Item {
  readonly item?: readonly Item[];
  readonly name: string;
  readonly request?: { readonly method: string; readonly url: string | { readonly raw: string } };
}

const collection = JSON.parse(
  readFileSync(join(root, 'docs/postman/payer-to-payer.postman_collection.json'), 'utf8'),
) as Item;

const requestsIn = ({ item = [], request }: Item): NonNullable<Item['request']>[] => [
  ...(request === undefined ? [] : [request]),
  ...item.flatMap(requestsIn),
];

/** The operation that a request of the collection calls; undefined for one to the payer. */
const operationOf = ({ method, url }: NonNullable<Item['request']>): string | undefined => {
  const raw = typeof url === 'string' ? url : url.raw;
  if (!raw.startsWith('{{gateway}}/')) return undefined;
  const path = raw.slice('{{gateway}}'.length).replaceAll(/\{\{\w+\}\}/g, 'any');
  return operationsAt(path).find((one) => one.method === method)?.id ?? `${method} ${path}`;
};

it('the Postman collection calls every operation of docs/openapi.yaml, and no other', () => {
  const called = new Set(requestsIn(collection).flatMap((request) => operationOf(request) ?? []));

  expect([...called].toSorted()).toEqual(operations.map(({ id }) => id).toSorted());
});
