import { globSync } from 'node:fs';
import { randomOf } from '../support/random.ts';
import { defectsOf, type Defect } from './defects.ts';

const sources = ['functions', 'lib', 'bin', 'config', 'sandbox'].map((folder) => `${folder}/**/*.ts`);

/** What a program wrote, what is only read by people, and the data of a stage that an operator edits. */
const leftOut =
  /^(?:functions\/shared\/fhir\/search-parameter-targets|config\/catalog\/|config\/(?:local|demo|production-example)\.ts|sandbox\/payer\/data\/)/;

/** A Lambda, a room of `functions/shared`, a tool, a part of the sandbox: `functions/shared/store`, `bin/payers`, `lib`. */
export const roomOf = (file: string): string => {
  const folders = file.split('/').slice(0, -1);
  return folders.slice(0, folders[1] === 'shared' && folders[0] === 'functions' ? 3 : 2).join('/');
};

/** Defects drawn from every room, more from larger ones: the same for the same code and seed. */
export const chooseDefects = (seed: number, count: number): readonly Defect[] => {
  const random = randomOf(seed);
  const files = globSync(sources)
    .filter((file) => !leftOut.test(file) && !file.endsWith('.d.ts') && !file.includes('/static/'))
    .toSorted();
  const rooms = Map.groupBy(files.flatMap(defectsOf), ({ file }) => roomOf(file));
  // Each room gives one, and the rest by size. A room's defects are drawn by file and line first, so that a long table of
  // numbers is not drawn more often than a condition.
  const total = [...rooms.values()].reduce((sum, all) => sum + all.length, 0);
  const chosen = [...rooms.values()].flatMap((all) => {
    const share = 1 + (all.length / total) * Math.max(0, count - rooms.size);
    const wanted = Math.floor(share) + (random() < share % 1 ? 1 : 0);
    const lines = [...Map.groupBy(all, ({ file, line }) => `${file}:${line}`).values()];
    return Array.from({ length: Math.min(wanted, lines.length) }, () => {
      const [line] = lines.splice(Math.floor(random() * lines.length), 1);
      return line![Math.floor(random() * line!.length)]!;
    });
  });
  while (chosen.length > count) chosen.splice(Math.floor(random() * chosen.length), 1);
  return chosen;
};
