import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { visibleLine } from '../../config/checks/visible.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { makeFolder } from '../shared/folders.ts';
import { withoutUndefined } from '../shared/objects.ts';
import type { Output } from '../shared/output.ts';
import type { Progress } from '../shared/progress.ts';
import { slug } from '../shared/slug.ts';
import { askEndpoints, type AskDeps, type AskedEndpoint } from './ask-endpoints.ts';
import { readBrands, type ImportedPayer, type Renamed } from './brands.ts';
import { isUrl, readDirectory } from './directory.ts';
import { readDraft, sameBase, type Draft } from './draft.ts';

/** What to import, and where to. */
export interface ImportOptions {
  /** A bundle's URL or file. */
  readonly from: string;
  /** The folder for drafts. */
  readonly folder: string;
  /** Says what is in the bundle and asks nobody. */
  readonly dryRun: boolean;
  /** Payers that the stage has already. */
  readonly known: readonly Payer[];
  readonly progressOf: (total: number) => Progress;
}

/** Of a bundle in a file: no host has this name (RFC 6761 §6.4). */
const publicSource = 'https://bundle.invalid';

/** The drafts that are in a folder already, by their files. */
const draftsIn = async (folder: string): Promise<readonly Draft[]> => {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json'));
  return (await Promise.all(files.map((file) => readDraft(join(folder, file)).catch(() => undefined)))).filter(
    (draft) => draft !== undefined,
  );
};

type ResultOf = (address: string) => AskedEndpoint['result'] | undefined;

/** A draft of a payer of which some address lives. */
const draftOf = ({ displayName, addresses, brand }: ImportedPayer, resultOf: ResultOf): Draft => {
  const fhirBaseUrl = addresses.find((address) => resultOf(address) === 'living') ?? '';
  const others = addresses.filter((address) => address !== fhirBaseUrl && resultOf(address) !== 'dead');
  const dead = addresses.filter((address) => resultOf(address) === 'dead');
  return withoutUndefined({
    displayName,
    fhirBaseUrl,
    otherBases: others.length === 0 ? undefined : others,
    deadBases: dead.length === 0 ? undefined : dead,
    brand,
  });
};

/** Writes a draft to a file that is not there yet: the payer's name, or that and a number. */
const writeDraft = async (folder: string, draft: Draft): Promise<void> => {
  const name = slug(draft.displayName) || 'payer';
  const text = `${JSON.stringify(draft, null, 2)}\n`;
  for (let number = 1; ; number += 1) {
    const file = join(folder, `${number === 1 ? name : `${name.slice(0, 58)}-${number}`}.json`);
    try {
      return await writeFile(file, text, { flag: 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
};

/** Of a bundle from the internet that names addresses of a private network. */
const notAsked = (count: number): string => (count === 0 ? '' : `, ${count} not asked (no public address)`);

/** What became of a name that pages may not show. */
const renaming = ({ displayName }: ImportedPayer, { name, instead }: Renamed): string =>
  `${displayName}: pages may not show the bundle's name "${visibleLine(name)}"; ` +
  (instead === undefined ? 'it was left out: choose one' : `"${instead}" is written instead: look at it`);

const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;

/**
 * Reads a directory of brands, asks which endpoints live, and writes a draft for each payer with one. What is there already, as
 * a draft or in the stage, stays as it is.
 * @returns 0, or 1 if servers throttled, so that their endpoints are to be asked again, or if not all of the directory was read
 * @throws Refusal
 */
export const importPayers = async (
  deps: Omit<AskDeps, 'source'>,
  { out, note }: Output,
  { from, folder, dryRun, known, progressOf }: ImportOptions,
): Promise<number> => {
  const { entries, leftOut } = await readDirectory(deps, from);
  const bundle = readBrands(entries);
  const first = [
    ...leftOut.map((why) => `Not all of the directory was read: ${why}`),
    `${counted(bundle.organizations, 'organization')}: ${bundle.inactive} inactive, ${bundle.withoutEndpoint} without an endpoint, ` +
      `${bundle.unusable} without one of an active FHIR R4 API`,
  ].join('\n');
  if (dryRun) {
    out(`${first}\n${counted(bundle.payers.length, 'payer')}. No endpoint was asked, and nothing was written.`);
    return leftOut.length === 0 ? 0 : 1;
  }
  await makeFolder(folder);
  const addresses = bundle.payers.flatMap((payer) => payer.addresses);
  const progress = progressOf(addresses.length);
  const source = isUrl(from) ? from : publicSource;
  const asked = await askEndpoints({ ...deps, source }, addresses, join(folder, 'asked.jsonl'), (done) =>
    progress.show(done.size),
  );
  progress.clear();
  const resultOf: ResultOf = (address) => asked.get(address)?.result;
  const there = new Set([...known, ...(await draftsIn(folder))].map(({ fhirBaseUrl }) => sameBase(fhirBaseUrl)));
  const counts = { written: 0, kept: 0, dead: 0, throttled: 0, unasked: 0 };
  for (const payer of bundle.payers) {
    const has = (result: AskedEndpoint['result']): boolean =>
      payer.addresses.some((address) => resultOf(address) === result);
    if (payer.addresses.some((address) => there.has(sameBase(address)))) counts.kept += 1;
    else if (has('living')) {
      await writeDraft(folder, draftOf(payer, resultOf));
      for (const one of payer.renamed) note(renaming(payer, one));
      counts.written += 1;
    } else counts[has('throttled') ? 'throttled' : has('unasked') ? 'unasked' : 'dead'] += 1;
  }
  const endpoints = [...asked.values()];
  const are = (result: AskedEndpoint['result']): number => endpoints.filter((one) => one.result === result).length;
  out(
    [
      first,
      `${counted(endpoints.length, 'endpoint')}: ${are('living')} living, ${are('dead')} dead, ${are('throttled')} throttled${notAsked(are('unasked'))}`,
      `${counted(bundle.payers.length, 'payer')}: ${counts.written} written to ${folder}, ${counts.kept} there already, ` +
        `${counts.dead} dead, ${counts.throttled} to be asked again${notAsked(counts.unasked)}`,
    ].join('\n'),
  );
  note(`What each endpoint answered is in ${join(folder, 'asked.jsonl')}`);
  if (counts.written > 0) note(`Complete a draft with: npm run payers -- learn ${join(folder, 'NAME.json')}`);
  return counts.throttled === 0 && leftOut.length === 0 ? 0 : 1;
};
