import { exportJob, legBounds } from '../../bin/cost/export-usage.ts';
import type { Quantities } from '../../bin/cost/prices.ts';
import { legBounds as boundsOfCode } from '../../functions/export-job/record/record-leg.ts';
import { exportWorld, memberPatient, observation, pageOf } from '../support/export-world.ts';

const pageMs = 800;
const pageSize = 100;
const types = ['Observation', 'Condition', 'Procedure', 'Encounter', 'Immunization', 'Coverage', 'Claim'];

/** Runs the job for a record with this many resources, and counts its use of AWS. */
const count = async (resources: number): Promise<Quantities> => {
  const calls: Record<string, number> = {};
  const world = exportWorld({
    onCall: (name) => {
      calls[name] = (calls[name] ?? 0) + 1;
    },
  });
  const note = 'x'.repeat(1400);
  world.answerWith(async ({ url }) => {
    await world.durable.sleep(pageMs);
    const page = Number(new URL(url).searchParams.get('page') ?? 1);
    const first = (page - 1) * pageSize;
    const last = Math.min(first + pageSize, resources);
    const found = Array.from({ length: last - first }, (_, at) => {
      if (first + at === 0) return memberPatient;
      return observation(first + at, { resourceType: types[(first + at) % types.length], note });
    });
    return pageOf(found, last < resources ? `${world.base}?page=${page + 1}` : undefined);
  });
  const { status } = await world.run();
  expect(status).toBe('SUCCEEDED');
  const executions = world.durable.engine.executions();
  return {
    durableOperations: executions.reduce((sum, { meteredOperations }) => sum + meteredOperations, 0),
    durableGbWritten: executions.reduce((sum, { persistedBytes }) => sum + persistedBytes, 0) / 1e9,
    objectWrites: calls['put'] ?? 0,
    keyRequests: (calls['openInJob'] ?? 0) + (calls['sealForJob'] ?? 0),
    tableReads: calls['GetItemCommand'] ?? 0,
  };
};

describe('the cost of an export', () => {
  it.each([400, 8000])('is computed with what the job of %d resources uses', async (resources) => {
    const counted = await count(resources);
    const budgeted = exportJob(resources, pageMs);

    for (const name of Object.keys(counted) as (keyof Quantities)[]) {
      const [most, real] = [budgeted[name] ?? 0, counted[name] ?? 0];
      expect({
        name,
        real,
        fits: real <= most && most <= Math.max(1.5 * real, real + (name === 'durableGbWritten' ? 2e-6 : 3)),
      }).toEqual({
        name,
        real,
        fits: true,
      });
    }
  });

  it('is computed with the bounds of a leg', () => {
    expect(legBounds).toEqual({ seconds: boundsOfCode.readMs / 1000, bytes: boundsOfCode.bytes });
  });
});
