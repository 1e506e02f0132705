/** Measures some parts in a process of its own, as a benchmark does, but as a trial. Tells its sections. */
import { once } from 'node:events';
import type { Section } from './report.ts';
import { steps } from './steps.ts';
import type { TrialOrder } from './trial-order.ts';
import { startWorld } from './world.ts';

const [{ parts, ...trial }] = (await once(process, 'message')) as [TrialOrder];
const world = await startWorld({ quick: false, trial });
process.once('exit', world.close);
const sections: Section[] = [];
for (const step of steps.filter(({ name }) => parts.includes(name))) {
  sections.push(...[await step.run(world)].flat());
}
process.send?.(sections, () => process.exit());
