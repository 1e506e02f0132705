/** What limits the number of payers and partners: the size of the items and of the file that they are in. */
import { pagesOf } from '../../functions/shared/registry/entry-items.ts';
import type { StageConfig } from '../stage.ts';
import { problem, type Context } from './fields.ts';

/** The text of one entry or page, in bytes: an item of DynamoDB has 400 KB, which it shares with a stop and reasons. */
const mostEntryBytes = 390_000;

/**
 * All payers and partners together, in bytes: the function that first fills the registry has them beside its code, and
 * Lambda takes 250 MB.
 */
const mostBytes = 200_000_000;

/** Measures an entry even if it has a bigint, which is not JSON: another check refuses that. */
const bytesOf = (entry: object): number =>
  Buffer.byteLength(JSON.stringify(entry, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)));

const checkEntries = (config: StageConfig, context: Context): number => {
  let all = 0;
  for (const kind of ['payers', 'partners'] as const) {
    for (const [index, entry] of config[kind].entries()) {
      const bytes = bytesOf(entry);
      all += bytes;
      if (bytes > mostEntryBytes) {
        problem(context, [kind, index], `has ${bytes} bytes as JSON; shorten it to at most ${mostEntryBytes}`);
      }
    }
  }
  return all;
};

const checkPages = (config: StageConfig, context: Context): void => {
  const full = [...pagesOf(config)].filter(([, page]) => bytesOf(page) > mostEntryBytes).map(([id]) => id);
  const isFull = (kind: string): boolean => full.some((id) => id.startsWith(kind));
  if (isFull('directory#')) {
    problem(context, ['payers'], 'do not fit into the directory; put some of them into another stage');
  }
  if (isFull('origins#')) {
    problem(context, ['partners'], 'have more webOrigins than fit into the registry; remove some of them');
  }
};

/**
 * The identity providers as JSON inside JSON, in bytes. They are a variable of the token function, so that only a deployment can
 * change who vouches for members; Lambda takes 4,096 bytes for all variables, and the others have up to 1,500.
 */
const mostProviderBytes = 2500;

const checkProviders = ({ identityProviders = [] }: StageConfig, context: Context): void => {
  const bytes = bytesOf([JSON.stringify(identityProviders)]);
  if (bytes > mostProviderBytes) {
    problem(
      context,
      ['identityProviders'],
      `have ${bytes} bytes as JSON, more than fit into a function's variables (${mostProviderBytes}); put some of them into another stage`,
    );
  }
};

/** Refuses what the table Registry or its first filling cannot take. */
export const checkSizes = (config: StageConfig, context: Context): void => {
  const all = checkEntries(config, context);
  checkPages(config, context);
  checkProviders(config, context);
  if (all > mostBytes) {
    problem(
      context,
      ['payers'],
      `and partners have ${all} bytes as JSON, and at most ${mostBytes} can be deployed; put some of them into another stage`,
    );
  }
};
