import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { matchesGlob } from 'node:path';
import config, { exportJobRooms, sandboxRooms, sharedRooms } from '../../oxlint.config.ts';

it.each([
  ['functions/export-job', exportJobRooms, ['CONTRIBUTING.md', 'docs/architecture.md']],
  ['sandbox', sandboxRooms, ['CONTRIBUTING.md']],
])(
  'the documents show the rooms of %s in the order that lint holds, and no room is left out',
  (parent, rooms, pages) => {
    const folders = readdirSync(parent, { withFileTypes: true }).filter((entry) => entry.isDirectory());

    const line = rooms.join(' → ').replaceAll('|', ' | ');
    for (const page of pages) expect(readFileSync(page, 'utf8')).toContain(line);
    expect(folders.map(({ name }) => name).toSorted()).toEqual(rooms.flatMap((at) => at.split('|')).toSorted());
  },
);

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
