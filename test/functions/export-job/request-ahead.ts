/** Runs an export whose request for the second page, made ahead, is rejected while the first page is read. */
import { unavailable } from '../../../functions/shared/errors.ts';
import { exportWorld, memberPatient, observation, pageOf } from '../../support/export-world.ts';

const world = exportWorld();
let tries = 0;
world.answerWith(({ path }) => {
  if (!path.includes('page=2')) {
    return pageOf([memberPatient, ...Array.from({ length: 200 }, (_, at) => observation(at))], `${world.base}?page=2`);
  }
  tries += 1;
  if (tries === 1) throw unavailable('rejected');
  return pageOf([observation('last')]);
});
await world.run();
const { status, resources } = (await world.item())!;
process.stdout.write(`${status}, ${resources} resources, page 2 asked for ${tries} times\n`, () => process.exit());
