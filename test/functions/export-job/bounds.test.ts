import { bounds } from '../../../functions/export-job/reading/next-page.ts';
import { isComplete } from '../../../functions/shared/exports/manifest.ts';
import { exportWorld, memberPatient, observation, pageOf, type WorldOptions } from '../../support/export-world.ts';

/** A payer that asks to wait before each page, so that each is a leg of its own. */
const slowPayer = (pageOfNumber: (page: number) => readonly object[], options: WorldOptions, lastPage = 8) => {
  const world = exportWorld(options);
  const waited = new Set<string>();
  world.answerWith(({ path }) => {
    const page = Number(/page=(\d+)/.exec(path)?.[1] ?? 1);
    if (!waited.has(path)) {
      waited.add(path);
      return { status: 429, headers: { 'retry-after': '60' } };
    }
    return pageOf(pageOfNumber(page), page < lastPage ? `${world.base}?page=${page + 1}` : undefined);
  });
  return world;
};

describe('a record', () => {
  const page = (number: number) => [...(number === 1 ? [memberPatient] : []), observation(number)];

  it.each([
    ['more pages', { ...bounds, pages: 3 }, 'the record has more pages than an export reads', 3],
    ['more resources', { ...bounds, resources: 3 }, 'the record has more resources than an export reads', 2],
    ['more bytes', { ...bounds, bytes: 300 }, 'the record is larger than an export reads', 3],
  ])('with %s than an export reads ends as partial, with what came before', async (_, limits, why, pages) => {
    const world = slowPayer(page, { deps: { bounds: limits } });

    await world.run();

    expect(await world.item()).toMatchObject({ status: 'partial', resources: pages + 1 });
    const { manifest, errors, resources } = await world.record();
    expect(resources['Observation']).toHaveLength(pages);
    expect(isComplete(manifest)).toBe(false);
    expect(errors).toEqual([`$everything is not complete: ${why}.`]);
    expect(manifest.outcomes.filter(({ count }) => count > 0)).toEqual([
      { type: 'Patient', outcome: 'incomplete', count: 1, reason: errors[0] },
      { type: 'Observation', outcome: 'incomplete', count: pages, reason: errors[0] },
    ]);
    expect(manifest.outcomes.find(({ type }) => type === 'Goal')).toMatchObject({ outcome: 'notRead', count: 0 });
  });

  it('that just fits is complete', async () => {
    const world = slowPayer(page, { deps: { bounds: { ...bounds, pages: 3, resources: 4 } } }, 3);

    await world.run();

    expect(await world.item()).toMatchObject({ status: 'completed', resources: 4 });
  });
});

describe('the error files', () => {
  const document = (type: string, id: number) => ({
    resourceType: type,
    id: String(id),
    content: [{ attachment: { url: 'https://elsewhere.example/1' } }],
  });

  it('list two hundred problems of a kind and type, over all legs, and count the rest', async () => {
    const world = slowPayer(
      (page) => [
        ...Array.from({ length: 150 }, (_, at) => document('DocumentReference', page * 1000 + at)),
        ...Array.from({ length: page === 1 ? 200 : 1 }, (_, at) => document('Basic', page * 1000 + at)),
        observation(page, { subject: { reference: 'Patient/somebody' } }),
      ],
      {},
      2,
    );

    await world.run();

    const { errors } = await world.record();
    const listed = (type: string) => errors.filter((line) => line.startsWith(`${type}/`)).length;
    expect([listed('DocumentReference'), listed('Basic')]).toEqual([200, 200]);
    expect(errors.filter((line) => line.includes('not listed'))).toEqual([
      '100 more problems of this kind with DocumentReference are not listed.',
      '1 more problem of this kind with Basic is not listed.',
    ]);
    expect(errors.filter((line) => line.includes('another patient'))).toHaveLength(2);
  });
});
