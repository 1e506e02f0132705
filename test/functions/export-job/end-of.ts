import { isComplete } from '../../../functions/shared/exports/manifest.ts';
import { exportWorld, type PayerScript, type WorldOptions } from '../../support/export-world.ts';

export type World = ReturnType<typeof exportWorld>;

/**
 * What an export says of itself once it has ended. An outcome is written with its count, such as `complete 1`; `ids` are
 * the payer's resources, without our Provenance.
 * @throws Error if a resource is given twice, or an object is not sealed
 */
export const endOf = async (world: World) => {
  const { manifest, errors, resources, lines, attachments } = await world.record();
  const given = Object.entries(resources).filter(([type]) => type !== 'Provenance');
  const names = given.flatMap(([type, all]) => all.flatMap(({ id }) => (id === undefined ? [] : [`${type}/${id}`])));
  expect(names).toEqual([...new Set(names)]);
  const clear = [...world.objects].filter(([, bytes]) => Buffer.from(bytes).includes('resourceType'));
  expect(clear.map(([name]) => name)).toEqual([]);
  return {
    world,
    status: (await world.item())?.status,
    complete: isComplete(manifest),
    outcomes: Object.fromEntries(manifest.outcomes.map(({ type, outcome, count }) => [type, `${outcome} ${count}`])),
    reasons: Object.fromEntries(manifest.outcomes.map(({ type, reason }) => [type, reason])),
    ids: given.flatMap(([, all]) => all.map(({ id }) => id ?? '')),
    errors,
    lines,
    attachments,
    manifest,
  };
};

/** Runs an export from this payer to its end. */
export const runToEnd = async (payer: (world: World) => PayerScript, options: WorldOptions = {}) => {
  const world = exportWorld(options);
  world.answerWith(payer(world));
  await world.run();
  return endOf(world);
};

/** Runs an export from a payer that answers so to its end. */
export const runWith = (
  options: WorldOptions,
  payer: (asked: Parameters<PayerScript>[0], world: World) => ReturnType<PayerScript>,
) => runToEnd((world) => (asked) => payer(asked, world), options);

/** A payer that is read with these searches. */
export const byType = (...searches: readonly string[]): WorldOptions => ({
  profile: { everything: false, wholeRecord: { searches } },
});
