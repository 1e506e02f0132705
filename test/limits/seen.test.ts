import { randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createSeenSet, tagBytes } from '../../functions/export-job/reading/seen.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

it('what an export has seen holds a million tags in under 32 MB', () => {
  const before = process.memoryUsage().arrayBuffers;
  const seen = createSeenSet();
  let most = 0;
  for (let at = 0; at < 100; at++) {
    const tags = randomBytes(10_000 * tagBytes);
    for (let from = 0; from < tags.length; from += tagBytes) seen.add(tags.subarray(from, from + tagBytes));
    seen.takeDelta();
    if (at % 20 < 19) continue;
    collectGarbage();
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  expect(seen.size()).toBe(1_000_000);
  expect(most).toBeLessThan(32_000_000);
});
