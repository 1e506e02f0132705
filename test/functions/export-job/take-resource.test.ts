import type { Leg } from '../../../functions/export-job/leg/leg.ts';
import { takeResource } from '../../../functions/export-job/leg/take-resource.ts';
import { tagger } from '../../../functions/export-job/reading/identity.ts';
import type { Problem } from '../../../functions/export-job/reading/problems.ts';
import { createSeenSet } from '../../../functions/export-job/reading/seen.ts';
import { pageResource } from './reading/bundles.ts';

it('what is left out is reported, not counted and not remembered once a record has too many tags', () => {
  const seen = createSeenSet();
  const problems: Problem[] = [];
  let size = 0;
  let matched = 0;
  const isWanted = (type: string): boolean => type !== 'Claim';
  const leg = {
    problems,
    rules: { patient: 'member', bases: [], isWanted },
    wantedAtKickOff: { isWanted },
    state: { seen: { ...seen, size: () => size } },
    tagOf: tagger(Buffer.alloc(32, 7)),
  } as unknown as Leg;
  const source = { of: 'search', type: 'Observation', page: 1, mark: 2 } as const;
  const match = (): void => {
    matched += 1;
  };
  const take = (resource: Readonly<Record<string, unknown>>): void =>
    takeResource({ leg, source, rewrite: () => [], match, found: [] }, pageResource(resource));
  const theirs = { resourceType: 'Observation', id: '1', subject: { reference: 'Patient/somebody' } };

  take(theirs);
  take(theirs);
  take({ resourceType: 'Claim', id: '1' });
  expect([matched, problems.length, seen.size()]).toEqual([2, 1, 2]);

  size = 3_000_000;
  take({ ...theirs, id: '2' });
  take({ resourceType: 'Claim', id: '2' });
  take({ resourceType: 'observation', id: '2' });
  expect([matched, problems.length, seen.size()]).toEqual([2, 3, 2]);
});
