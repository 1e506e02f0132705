import { instant } from '../../functions/shared/instant.ts';
import type { Pair } from './event.ts';
import { knownUrl, scopes, type Mask } from './mask-url.ts';

/** The part of DynamoDB's values that our tables use. */
interface Value {
  readonly S?: string;
  readonly N?: string;
  readonly B?: string;
  readonly BOOL?: boolean;
  readonly SS?: readonly string[];
  readonly M?: Item;
}
export interface Item {
  readonly [attribute: string]: Value | undefined;
}

const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;
const numbers = new Set([
  'resources',
  'resourcesTotal',
  'typesDone',
  'typesTotal',
  'payerVersion',
  'version',
  'status',
]);
/** Words of our own that say what happened. */
const words: Readonly<Record<string, RegExp>> = {
  type: /^(?:created|redeemed|refreshed|rotated|revoked|payerTokensRefreshed|open|closed|read|unfinished)$/,
  status: /^(?:running|completed|partial|failed|waiting|deleted)$/,
};

const asTime = (seconds: number): string => {
  return Number.isNaN(new Date(seconds * 1000).getTime()) ? 'a time' : instant(seconds);
};

/** Hashes and sealed bytes are named for what they are; of other texts a mark is shown. */
const notShown = (name: string, value: Value, { mark }: Mask): string => {
  if (value.B !== undefined) return 'sealed or random bytes';
  if (/Hash$|Hashes$|Digest$/.test(name)) return 'a hash';
  return value.S === undefined ? 'not shown' : mark(value.S);
};

const showValue = (name: string, value: Value, mask: Mask): string => {
  const { known } = mask;
  const { S: text, N: number, BOOL: truth } = value;
  if (truth !== undefined) return String(truth);
  if (number !== undefined && name.endsWith('At')) return asTime(Number(number));
  if (number !== undefined && name.endsWith('Ms')) return asTime(Math.floor(Number(number) / 1000));
  if (number !== undefined && numbers.has(name)) return number;
  if (name === 'payer' && text !== undefined && known.payers.has(text)) return text;
  if (name === 'partner' && text !== undefined && known.clients.has(text)) return text;
  if (name === 'grantId' && text !== undefined && /^[\w-]{22}$/.test(text)) return text;
  if (text !== undefined && words[name]?.test(text) === true) return text;
  if (text !== undefined && /scope$/i.test(name)) return scopes(text, mask) ?? mask.mark(text);
  if (text !== undefined && name === 'redirectUri') return knownUrl(text, mask) ?? mask.mark(text);
  // The reference of the request that wrote the item.
  if (text !== undefined && /^(?:requestId|.*By)$/.test(name) && uuid.test(text)) return text.slice(0, 13);
  return notShown(name, value, mask);
};

/** The attributes of an item. Values are shown if they are a time, a count, or a word or id that logs have too. */
export const showItem = (item: Item, mask: Mask): Pair[] =>
  Object.entries(item).flatMap(([name, value]): Pair[] => {
    if (value === undefined || !/^[a-z][A-Za-z]{0,39}$/.test(name)) return [];
    if (name === 'lastEvent' && value.M !== undefined) {
      return [['lastEvent', showValue('type', value.M['type'] ?? {}, mask)]];
    }
    return [[name, showValue(name, value, mask)]];
  });

interface Update {
  readonly UpdateExpression?: string;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues?: Item;
}

/** What an update sets and removes. */
export const showUpdate = (update: Update): { readonly item: Item; readonly removed: readonly string[] } => {
  const {
    UpdateExpression = '',
    ExpressionAttributeNames: names = {},
    ExpressionAttributeValues: values = {},
  } = update;
  const nameOf = (term: string): string => names[term] ?? term;
  const [, sets = ''] = /\bSET (.*?)(?= (?:REMOVE|ADD|DELETE) |$)/s.exec(UpdateExpression) ?? [];
  const [, removes = ''] = /\bREMOVE (.*?)(?= (?:SET|ADD|DELETE) |$)/s.exec(UpdateExpression) ?? [];
  const item = Object.fromEntries(
    [...sets.matchAll(/([#\w]+) = (?:(:\w+)|[^,]+)/g)].map(([, name = '', value = '']) => [
      nameOf(name),
      values[value] ?? {},
    ]),
  );
  return { item, removed: removes === '' ? [] : removes.split(',').map((name) => nameOf(name.trim())) };
};
