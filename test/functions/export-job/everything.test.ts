import { exportWorld, memberPatient, observation, pageOf } from '../../support/export-world.ts';

describe('an export by $everything', () => {
  it('gives every resource of every page once, in files by type', async () => {
    const world = exportWorld();
    world.answerWith(({ path }) => {
      if (path.includes('page=3')) return pageOf([observation(3)]);
      if (path.includes('page=2')) return pageOf([observation(2), observation(1)], `${world.base}?page=3`);
      return pageOf([memberPatient, observation(1)], `${world.base}?page=2`);
    });

    const { status, result } = await world.run();

    expect({ status, result }).toEqual({ status: 'SUCCEEDED', result: { status: 'completed', resources: 4 } });
    const { resources, errors, manifest } = await world.record();
    expect(resources['Patient']!.map(({ id }) => id)).toEqual(['member-1']);
    expect(resources['Observation']!.map(({ id }) => id)).toEqual(['o-1', 'o-2', 'o-3']);
    expect(resources['Provenance']).toHaveLength(1);
    expect(errors).toEqual([]);
    expect(manifest.outcomes.map(({ type, outcome, count }) => [type, outcome, count])).toEqual([
      ['Patient', 'complete', 1],
      ['Observation', 'complete', 3],
    ]);
    expect(world.asked.map(({ path }) => path)).toEqual(['/Patient/member-1/$everything', '?page=2', '?page=3']);
  });
});

describe('while it reads everything', () => {
  it('the export says how many resources the payer has', async () => {
    const world = exportWorld();
    let refused = false;
    world.answerWith(({ path }) => {
      if (!path.includes('page=2')) return pageOf([memberPatient], `${world.base}?page=2`, { total: 300 });
      if (refused) return pageOf([observation(1)]);
      // Longer than a leg waits, so that the leg ends between the pages.
      refused = true;
      return { status: 429, headers: { 'retry-after': '60' } };
    });

    await world.run();

    expect((await world.item())?.resourcesTotal).toBe(300);
  });
});
