import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { groups } from './groups.ts';
import { reportOf } from './report.ts';

it('docs/reports/conformance.md lists what the suite asks for; npm run conformance:docs updates it', async () => {
  const written = await readFile(join(import.meta.dirname, '../../docs/reports/conformance.md'), 'utf8');

  expect(written).toBe(reportOf(groups));
});

it('no endpoint has two requirements of one title', () => {
  for (const { requirements } of groups) {
    const titles = requirements.map(({ title }) => title);
    expect(titles.filter((title, at) => titles.indexOf(title) !== at)).toEqual([]);
  }
});
