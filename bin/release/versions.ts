import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal } from '../shared/errors.ts';

/** The files that show the version, each with the places where it stands. */
const places: readonly { readonly file: string; readonly pattern: RegExp; readonly times: number }[] = [
  { file: 'package.json', pattern: /^(  "version": ")([^"]+)(?=")/m, times: 1 },
  // Of the lock file, and of the package at the root.
  { file: 'package-lock.json', pattern: /^((?:  |      )"version": ")([^"]+)(?=")/m, times: 2 },
  { file: 'docs/openapi.yaml', pattern: /^(  version: )(\S+)$/m, times: 1 },
];

/** The version of package.json. */
export const packageVersion = async (root: string): Promise<string> =>
  (JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { readonly version: string }).version;

/** The versions that a file shows. */
const shownIn = (text: string, pattern: RegExp, times: number): string[] =>
  [...text.matchAll(new RegExp(pattern, 'gm'))].slice(0, times).map(([, , version = '']) => version);

/** The files that show a version other than package.json's, with what they show. */
export const otherVersions = async (root: string, version: string): Promise<string[]> => {
  const found = await Promise.all(
    places.map(async ({ file, pattern, times }) => {
      const shown = shownIn(await readFile(join(root, file), 'utf8'), pattern, times);
      const isSame = shown.length === times && shown.every((one) => one === version);
      return isSame ? [] : [`${file} shows ${shown.length === 0 ? 'no version' : [...new Set(shown)].join(' and ')}`];
    }),
  );
  return found.flat();
};

/** The texts of those files with another version, by path. */
export const withVersion = async (root: string, version: string): Promise<ReadonlyMap<string, string>> =>
  new Map(
    await Promise.all(
      places.map(async ({ file, pattern, times }) => {
        let left = times;
        const text = (await readFile(join(root, file), 'utf8')).replaceAll(
          new RegExp(pattern, 'gm'),
          (all: string, before: string) => (left-- > 0 ? before + version : all),
        );
        if (left > 0) throw new Refusal(`${file} does not show a version where it should. Nothing was changed.`);
        return [file, text] as const;
      }),
    ),
  );

export const writeAll = async (root: string, texts: ReadonlyMap<string, string>): Promise<void> => {
  for (const [file, text] of texts) await writeFile(join(root, file), text);
};
