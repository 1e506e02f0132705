import type { StageConfig } from '../../config/stage.ts';
import { Refusal } from '../shared/errors.ts';
import type { Output } from '../shared/output.ts';
import { typeScript } from '../shared/typescript.ts';
import { damagedIn, entriesIn, type Items } from './compare.ts';
import { reasonedPartner, reasonedPayer, type Reasoned } from './reasons.ts';
import { entryName } from './tell-diff.ts';

const indent = 4;

const reasonComment = (field: string): string =>
  `Write the reason into ${field}: the check asks for it, and the table does not have it`;

const entryLines = <Entry extends object>({ entry, missing }: Reasoned<Entry>): string => {
  const comments = new Map([...missing].map(([at, field]) => [at, reasonComment(field)]));
  return `${' '.repeat(indent)}${typeScript(entry, indent, 0, comments)},\n`;
};

const part = (name: string, entries: readonly Reasoned<object>[]): string =>
  entries.length === 0 ? `  ${name}: [],` : `  ${name}: [\n${entries.map(entryLines).join('')}  ],`;

/**
 * Prints the table's payers and partners as the parts of a stage's file, with the reasons that the file has.
 * @returns the exit code
 * @throws Refusal if an item was changed by hand, since its entry would be lost
 */
export const exportEntries = (
  config: StageConfig,
  items: Items,
  { out, note }: Pick<Output, 'out' | 'note'>,
  { json }: { readonly json: boolean },
): number => {
  const damaged = damagedIn(items).map(({ entryId }) => entryName(entryId));
  if (damaged.length > 0) {
    throw new Refusal(
      `Changed by hand, so they cannot be exported: ${damaged.join(', ')}. Apply a file that has them.`,
    );
  }
  const entries = entriesIn(items);
  const payers = entries.payers.map((payer) => reasonedPayer(payer, config));
  const partners = entries.partners.map((partner) => reasonedPartner(partner, config));
  const without = [
    ...payers.map(({ entry, missing }) => [`payer ${entry.id}`, missing] as const),
    ...partners.map(({ entry, missing }) => [`partner ${entry.clientId}`, missing] as const),
  ].filter(([, missing]) => missing.size > 0);
  if (json)
    out(
      JSON.stringify(
        { payers: payers.map(({ entry }) => entry), partners: partners.map(({ entry }) => entry) },
        null,
        2,
      ),
    );
  else out(`${part('payers', payers)}\n${part('partners', partners)}`);
  for (const [name, missing] of without) {
    note(`${name} needs a reason that is neither in the table nor in the file: ${[...missing.values()].join(', ')}`);
  }
  return 0;
};
