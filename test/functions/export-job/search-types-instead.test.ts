import { exportWorld, memberPatient, observation, pageOf, type Sent } from '../../support/export-world.ts';

/** A payer with this answer to `$everything`, which also answers searches for Patient and Observation. */
const worldWith = (everything: (page: number) => Sent) => {
  const world = exportWorld();
  world.answerWith(({ path }) => {
    if (path.includes('$everything')) return everything(1);
    if (path.startsWith('?page=2')) return everything(2);
    if (path.startsWith('/Patient')) return pageOf([memberPatient]);
    return pageOf(path.startsWith('/Observation') ? [observation(1)] : []);
  });
  return world;
};

describe('an export from a payer that declares $everything', () => {
  it.each([403, 404, 405, 501, 500])(
    'searches each type if that is answered with %i, and nothing is missing',
    async (status) => {
      const world = worldWith(() => ({ status, body: '{}' }));

      const { result } = await world.run();

      expect(result).toMatchObject({ status: 'completed' });
      const { resources, errors, manifest } = await world.record();
      expect(Object.keys(resources).sort()).toEqual(['Observation', 'Patient', 'Provenance']);
      expect(errors).toEqual([]);
      expect(manifest.outcomes.every(({ outcome }) => outcome === 'complete')).toBe(true);
      expect(manifest.outcomes.map(({ type }) => type)).not.toContain('$everything');
    },
  );

  it('searches each type if that gives a page that is no Bundle', async () => {
    const world = worldWith(() => ({ body: '<html>', headers: { 'content-type': 'text/html' } }));

    expect((await world.run()).result).toMatchObject({ status: 'completed' });
    expect((await world.record()).errors).toEqual([]);
  });

  it('does not, if a later page cannot be read: every type that members usually have is named as incomplete', async () => {
    const world = worldWith((page) =>
      page === 1 ? pageOf([memberPatient, observation(1)], `${world.base}?page=2`) : { status: 500, body: '{}' },
    );

    expect((await world.run()).result).toMatchObject({ status: 'partial' });
    const { manifest } = await world.record();
    expect(world.asked.some(({ path }) => path.startsWith('/Observation'))).toBe(false);
    const outcomes = new Map(manifest.outcomes.map(({ type, outcome, count }) => [type, `${outcome} ${count}`]));
    expect(outcomes.get('Observation')).toBe('incomplete 1');
    // None was found, but the payer may still have some.
    expect(outcomes.get('MedicationRequest')).toBe('incomplete 0');
  });
});
