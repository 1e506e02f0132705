import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { examineMany } from './doctor-load.ts';

it('the doctor examines 5,000 payers in minutes and little memory, and prints those with something to do', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'doctor-'));
  const found = await examineMany(folder, 5000, 20).finally(() => rm(folder, { recursive: true }));
  const { out, ...figures } = found;
  process.stderr.write(`doctor: ${JSON.stringify(figures)}\n`);

  expect(out.match(/^Payer \d+ \(payer-\d+\)$/gm)).toHaveLength(49);
  expect(out.trim().split('\n').at(-2)).toBe('5000 payers: 49 things to do');
  expect(found.code).toBe(1);
  expect(found.seconds).toBeLessThan(600);
  if (found.megabytes !== undefined) expect(found.megabytes).toBeLessThan(1000);
});
