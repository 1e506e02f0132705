import { randomBytes } from 'node:crypto';
import { joinFiles } from '../../../functions/export-job/end/join-files.ts';
import { executionName } from '../../../functions/export-job/job-input.ts';
import { uuidOf } from '../../../functions/export-job/uuid.ts';
import { makeExportId } from '../../../functions/shared/exports/export-id.ts';

const part = (type: string, object: string, bytes: number) => ({
  type,
  object,
  digest: `d-${object}`,
  bytes,
  count: 2,
});

describe('the files of a manifest', () => {
  it('are runs of one type, none larger than may be streamed', () => {
    const parts = [
      part('Observation', 'a', 60),
      part('Patient', 'b', 10),
      part('Observation', 'c', 40),
      part('Observation', 'd', 1),
    ];

    const files = joinFiles(parts, 'output', 100);

    expect(
      files.map(({ name, type, count, parts: joined }) => [name, type, count, joined.map(({ object }) => object)]),
    ).toEqual([
      ['Observation-1.ndjson', 'Observation', 4, ['a', 'c']],
      ['Observation-2.ndjson', 'Observation', 2, ['d']],
      ['Patient-1.ndjson', 'Patient', 2, ['b']],
    ]);
  });

  it('have a part alone that is larger than the limit', () => {
    expect(joinFiles([part('Binary', 'a', 500), part('Binary', 'b', 5)], 'output', 100)).toHaveLength(2);
  });

  it('of errors have names that say so', () => {
    expect(joinFiles([part('OperationOutcome', 'a', 5)], 'error')[0]?.name).toBe('errors-1.ndjson');
  });
});

describe('names', () => {
  it('of executions fit into 64 characters and differ for each', () => {
    const exportId = makeExportId('g'.repeat(22), randomBytes(16));
    expect([executionName(exportId, 1), executionName(exportId, 12)]).toEqual([exportId, `${exportId}-12`]);
    expect(executionName(exportId, 9999).length).toBeLessThanOrEqual(64);
  });

  it('of legs are UUIDs of version 4', () => {
    expect(uuidOf(randomBytes(16))).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
