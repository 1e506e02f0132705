import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { matchesGlob } from 'node:path';
import config, { exportJobRooms, sharedRooms } from '../../oxlint.config.ts';

it('the documents show the rooms of functions/export-job in the order that lint holds, and no room is left out', () => {
  const folders = readdirSync('functions/export-job', { withFileTypes: true }).filter((entry) => entry.isDirectory());

  const line = exportJobRooms.join(' → ').replaceAll('|', ' | ');
  for (const page of ['CONTRIBUTING.md', 'docs/architecture.md']) expect(readFileSync(page, 'utf8')).toContain(line);
  expect(folders.map(({ name }) => name).toSorted()).toEqual(exportJobRooms.flatMap((at) => at.split('|')).toSorted());
});

it('the documents show the rooms of functions/shared in the order that lint holds, and no room is left out', () => {
  const contributing = readFileSync('CONTRIBUTING.md', 'utf8');
  const architecture = readFileSync('docs/architecture.md', 'utf8');

  const rows = [
    ...contributing
      .split('| room ')[1]!
      .split('\n\n')[0]!
      .matchAll(/^\| `(\w+)`/gm),
  ].map(([, room]) => room);
  const folders = readdirSync('functions/shared', { withFileTypes: true }).filter((entry) => entry.isDirectory());

  expect(rows).toEqual(sharedRooms);
  expect(architecture).toContain(sharedRooms.join(' → '));
  expect(folders.map(({ name }) => name).toSorted()).toEqual(sharedRooms.toSorted());
});

it('each file of the product is in a folder for which lint says what it may import', () => {
  const folders = ['functions', 'lib', 'bin', 'config', 'sandbox', 'bench'];
  const files = execFileSync('git', ['ls-files', '--', ...folders.map((folder) => `${folder}/**/*.ts`)], {
    encoding: 'utf8',
  });
  const held = (config.overrides ?? [])
    .filter(({ rules }) => rules?.['no-restricted-imports'] !== undefined)
    .flatMap((override) => override.files);

  const free = files
    .trim()
    .split('\n')
    .filter((file) => !held.some((glob) => matchesGlob(file, glob)));

  expect(free).toEqual([]);
});
