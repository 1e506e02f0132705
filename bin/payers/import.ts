import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { visibleLine } from '../../config/checks/visible.ts';
import { causeOf } from '../../functions/shared/errors.ts';
import { readText } from '../../functions/shared/payer/read-text.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { Refusal } from '../shared/errors.ts';
import { makeFolder } from '../shared/folders.ts';
import { withoutUndefined } from '../shared/objects.ts';
import type { Output } from '../shared/output.ts';
import type { Progress } from '../shared/progress.ts';
import { slug } from '../shared/slug.ts';
import { askEndpoints, type AskDeps, type AskedEndpoint } from './ask-endpoints.ts';
import { readBrands, type ImportedPayer, type Renamed } from './brands.ts';
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

const limitBytes = 200 * 1024 * 1024;
const isUrl = (from: string): boolean => from.includes('://');
/** Of a bundle in a file: no host has this name (RFC 6761 §6.4). */
const publicSource = 'https://bundle.invalid';

/** @throws Refusal */
const readBundleText = async ({ http }: Pick<AskDeps, 'http'>, from: string): Promise<string> => {
  try {
    if (!isUrl(from)) return await readFile(from, 'utf8');
    const response = await http(from, {
      headers: { Accept: 'application/fhir+json, application/json' },
      redirect: 'manual',
      signal: AbortSignal.timeout(120_000),
    });
    if (response.status !== 200) {
      const to = response.headers.get('location');
      throw new Refusal(
        `${from} answers ${response.status}${to === null ? '' : `; give the URL that it leads to: ${to}`}`,
      );
    }
    const text = await readText(response, limitBytes);
    if (text === undefined) throw new Refusal(`${from} has more than ${limitBytes / 1024 / 1024} MB`);
    return text;
  } catch (error) {
    throw error instanceof Refusal ? error : new Refusal(`${from} cannot be read (${causeOf(error)})`);
  }
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};

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
 * Reads a bundle of brands, asks which endpoints live, and writes a draft for each payer with one. What is there already, as
 * a draft or in the stage, stays as it is.
 * @returns 0, or 1 if servers throttled, so that their endpoints are to be asked again
 * @throws Refusal
 */
export const importPayers = async (
  deps: Omit<AskDeps, 'source'>,
  { out, note }: Output,
  { from, folder, dryRun, known, progressOf }: ImportOptions,
): Promise<number> => {
  const bundle = readBrands(parsed(await readBundleText(deps, from)));
  if (bundle === undefined) throw new Refusal(`${from} is not a FHIR Bundle in JSON; give a User-access Brands Bundle`);
  const first =
    `${counted(bundle.organizations, 'organization')}, ${bundle.unreachable} of them without an endpoint; ` +
    `${counted(bundle.unusable, 'endpoint')} not of an active FHIR R4 API`;
  if (dryRun) {
    out(`${first}\n${counted(bundle.payers.length, 'payer')}. No endpoint was asked, and nothing was written.`);
    return 0;
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
  return counts.throttled === 0 ? 0 : 1;
};
