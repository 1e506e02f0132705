import { readdirSync, readFileSync } from 'node:fs';
import { sharedRooms } from '../../oxlint.config.ts';

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
