import { DeleteObjectsCommand, GetObjectCommand, ListObjectsV2Command, NoSuchKey, S3Client } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { writeKeptParts } from '../../../functions/shared/exports/kept-parts.ts';
import { keptName, manifestName, partName, stateName } from '../../../functions/shared/exports/object-names.ts';
import { sweepHandler } from '../../../functions/sweep/handler.ts';
import { simulatedDurable } from '../../support/durable.ts';

const exportId = 'x'.repeat(44);
const otherExportId = 'y'.repeat(44);
const minute = 60_000;

/** A sweep of a bucket in memory that lists three names per page. */
const sweeping = (names: readonly string[] = []) => {
  const client = new S3Client({ region: 'eu-central-1' });
  const objects = new Map(names.map((name) => [name, 'sealed']));
  const failures: Error[] = [];
  const refused = new Set<string>();
  const deletedAt: [name: string, ms: number][] = [];
  const failIfTold = (): void => {
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
  };
  mockClient(client)
    .on(ListObjectsV2Command)
    .callsFake(async ({ Bucket, Prefix, ContinuationToken = '' }: Record<string, string>) => {
      if (Bucket !== 'exports' || !Prefix) throw new Error('no such list');
      failIfTold();
      const all = [...objects.keys()].filter((name) => name.startsWith(Prefix) && name > ContinuationToken).sort();
      const page = all.slice(0, 3);
      return {
        ...(page.length === 0 ? {} : { Contents: page.map((Key) => ({ Key })) }),
        ...(page.length < all.length ? { NextContinuationToken: page.at(-1) } : {}),
      };
    })
    .on(GetObjectCommand)
    .callsFake(async ({ Key }: Record<string, string>) => {
      const text = objects.get(Key ?? '');
      if (text === undefined) throw new NoSuchKey({ message: 'none', $metadata: {} });
      return { Body: { transformToString: async () => text } };
    })
    .on(DeleteObjectsCommand)
    .callsFake(async ({ Delete }: { Delete: { Objects: { Key: string }[] } }) => {
      if (Delete.Objects.length === 0) throw new Error('MalformedXML');
      const failed = Delete.Objects.filter(({ Key }) => refused.has(Key));
      for (const { Key } of Delete.Objects) {
        if (refused.has(Key)) continue;
        objects.delete(Key);
        deletedAt.push([Key, durable.now() - began]);
      }
      return failed.length === 0 ? {} : { Errors: failed.map(({ Key }) => ({ Key, Code: 'SlowDown' })) };
    });
  const durable = simulatedDurable({ sweep: sweepHandler({ bucket: { client, name: 'exports' } }) });
  const began = durable.now();
  return {
    durable,
    objects,
    failures,
    refused,
    deletedAt,
    names: () => [...objects.keys()].sort(),
    start: (input: object) => durable.start('sweep', input),
    run: (input: object) => durable.finish(durable.start('sweep', input)),
  };
};

const parts = (['a', 'b', 'c', 'd'] as const).map((name) => partName(exportId, name)) as [
  string,
  string,
  string,
  string,
];
const states = ['a', 'b'].map((name) => stateName(exportId, name));
const others = [partName(otherExportId, 'a'), `${exportId}0/parts/a`, exportId];
const kept = (...names: string[]) => [keptName(exportId), writeKeptParts(names)] as const;

const full = () => {
  const sweep = sweeping([...parts, ...states, manifestName(exportId), ...others]);
  sweep.objects.set(...kept(parts[0], parts[2]));
  return sweep;
};

describe('the sweep of an export that is gone', () => {
  it('deletes all of its objects, and none of another export', async () => {
    const { run, names } = full();
    expect((await run({ exportId, keep: false })).result).toEqual({ deleted: 8 });
    expect(names()).toEqual([...others].sort());
  });

  it('deletes again after 20 minutes what a job that was stopped still wrote', async () => {
    const { start, durable, objects, names, deletedAt } = full();
    const arn = start({ exportId, keep: false });
    await durable.pass(14 * minute);
    expect(deletedAt).toHaveLength(8);
    objects.set(partName(exportId, 'late'), 'sealed');
    expect((await durable.finish(arn)).result).toEqual({ deleted: 9 });
    expect(names()).toEqual([...others].sort());
    expect(deletedAt.at(-1)).toEqual([partName(exportId, 'late'), 20 * minute]);
  });

  it('of which nothing is left deletes nothing', async () => {
    const { run } = sweeping(others);
    expect((await run({ exportId, keep: false })).result).toEqual({ deleted: 0 });
  });
});

describe('the sweep of an export that has ended', () => {
  it('leaves the manifest and its parts, and deletes state and every other part', async () => {
    const { run, names } = full();
    expect((await run({ exportId, keep: true })).result).toEqual({ deleted: 4 });
    expect(names()).toEqual([...others, parts[0], parts[2], manifestName(exportId), keptName(exportId)].sort());
  });

  it('without a manifest deletes everything', async () => {
    const { run, names } = sweeping([...parts, ...states]);
    await run({ exportId, keep: true });
    expect(names()).toEqual([]);
  });

  it('deletes nothing while the names of what is kept cannot be read', async () => {
    const { run, objects, deletedAt, durable } = full();
    const get = objects.get.bind(objects);
    objects.get = (name) => {
      if (durable.now() - startedAt < minute) throw new Error('SlowDown');
      return get(name);
    };
    const startedAt = durable.now();
    await run({ exportId, keep: true });
    expect(deletedAt.map(([name]) => name).sort()).toEqual([parts[1], parts[3], ...states].sort());
    expect(deletedAt[0]?.[1]).toBeGreaterThanOrEqual(minute);
  });
});

describe('a sweep', () => {
  it('goes on until S3 takes its calls again', async () => {
    const { run, failures, names } = full();
    failures.push(...Array.from({ length: 8 }, () => new Error('down')));
    expect((await run({ exportId, keep: false })).status).toBe('SUCCEEDED');
    expect(names()).toEqual([...others].sort());
  });

  it('tries again what S3 refused to delete, and fails if that stays so', async () => {
    const { run, refused, names } = full();
    refused.add(parts[1]);
    expect((await run({ exportId, keep: false })).status).toBe('FAILED');
    expect(names()).toEqual([...others, parts[1]].sort());
  });

  it.each([{}, { exportId: '' }, { exportId: 'x', keep: false }, { exportId: `${exportId}/../`, keep: false }])(
    'of %j deletes nothing: an empty prefix would be everybody’s',
    async (input) => {
      const { run, deletedAt } = full();
      expect((await run(input)).status).toBe('FAILED');
      expect(deletedAt).toEqual([]);
    },
  );
});
