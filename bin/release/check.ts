import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sectionOf, sectionsOf, unreleased } from '../changelog/sections.ts';
import { Refusal } from '../shared/errors.ts';
import { otherVersions, packageVersion } from './versions.ts';

/** Reads the section of a version. @throws Refusal if there is none, or if it is empty */
export const notesOf = async (root: string, version: string): Promise<string> => {
  const { sections } = sectionsOf(await readFile(join(root, 'CHANGELOG.md'), 'utf8'));
  const { text = '' } = sectionOf(sections, version) ?? {};
  if (text === '') throw new Refusal(`CHANGELOG.md says nothing about version ${version}.`);
  return text;
};

/** What is wrong with the notes. */
const problemsOfNotes = (changelog: string, version: string): string[] => {
  const { sections } = sectionsOf(changelog);
  const section = sectionOf(sections, version);
  const waiting = sectionOf(sections, unreleased);
  return [
    ...(section === undefined ? [`CHANGELOG.md has no section ${version}`] : []),
    ...(section !== undefined && section.date === undefined ? [`CHANGELOG.md gives ${version} no date`] : []),
    ...(section?.text === '' ? [`CHANGELOG.md says nothing about ${version}`] : []),
    ...(waiting === undefined ? ['CHANGELOG.md has no section Unreleased'] : []),
    ...(waiting === undefined || waiting.text === '' ? [] : ['CHANGELOG.md has entries under Unreleased: move them']),
  ];
};

/**
 * Checks that everything shows the version that is released.
 * @returns the version
 * @throws Refusal that names what differs
 */
export const checkVersions = async (root: string, tag?: string): Promise<string> => {
  const version = await packageVersion(root);
  const problems = [
    ...(tag === undefined || tag === `v${version}` ? [] : [`the tag is ${JSON.stringify(tag)}`]),
    ...(await otherVersions(root, version)),
    ...problemsOfNotes(await readFile(join(root, 'CHANGELOG.md'), 'utf8'), version),
  ];
  if (problems.length === 0) return version;
  throw new Refusal(
    [
      `package.json has version ${version}, and this does not fit:`,
      ...problems.map((problem) => `  ${problem}`),
      'Correct it, with "npm run release -- cut VERSION" where entries wait, and tag the commit that is right.',
    ].join('\n'),
  );
};
