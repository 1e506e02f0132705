/** `npm run bench`: measures the gateway against floors and peers. See README.md beside this file. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readOrExit } from '../bin/shared/command-line.ts';
import { spec } from './flags.ts';
import { lastSaved, leastText, movedText, resultsFolder, savedRuns } from './moved.ts';
import { keptTrial, runTrials, trialText, type KeptTrial } from './planted.ts';
import { profileText } from './profiles.ts';
import { describeMachine, footText, hasFailed, headText, sectionText, type Report, type Section } from './report.ts';
import { steps } from './steps.ts';
import type { Step } from './subjects/step.ts';
import { lastRuns, tableText } from './table.ts';
import { startWorld } from './world.ts';

const stop = (message: string, code: number): never => {
  console.error(message);
  process.exit(code);
};

const chosen = (only: readonly string[]): readonly Step[] => {
  const names = steps.map(({ name }) => name);
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) stop(`Unknown part "${unknown}"; --only takes ${names.join(', ')}`, 2);
  return only.length === 0 ? steps : steps.filter(({ name }) => only.includes(name));
};

const flags = await readOrExit(spec);
if (flags.table) {
  console.log(tableText(lastRuns(savedRuns())));
  process.exit();
}
if (flags.planted) {
  const runs = await runTrials((text) => console.error(text));
  console.log(trialText(runs));
  const kept: KeptTrial = { at: new Date().toISOString(), machine: describeMachine(), runs };
  if (flags.save) writeFileSync(keptTrial, `${JSON.stringify(kept, undefined, 1)}\n`);
  process.exit();
}
if (flags.profile) {
  const world = await startWorld({ quick: flags.quick });
  process.once('exit', world.close);
  console.log(await profileText(world));
  process.exit();
}
const selected = chosen(flags.only);
if (!existsSync(join(import.meta.dirname, 'node_modules'))) {
  stop('The peers are not installed; run: npm ci --prefix bench', 1);
}

// With --json, stdout must hold the report alone.
const print = flags.json ? () => undefined : (text: string): void => void process.stdout.write(`${text}\n`);
const startedAt = performance.now();
const at = new Date().toISOString();
const machine = describeMachine();
print(headText(machine, flags.quick));
/** A part or a peer that fails is reported, the others are still measured, and the run ends with 1. */
const measureStep = async (step: Step): Promise<readonly Section[]> => {
  const begunAt = performance.now();
  try {
    const [first, ...more] = [await step.run(world)].flat();
    if (first === undefined) throw new Error('it measured nothing');
    return [{ ...first, seconds: (performance.now() - begunAt) / 1000 }, ...more];
  } catch (error) {
    const failed = error instanceof Error ? error.message : String(error);
    return [{ name: step.name, what: 'not measured', rows: [], missing: [], budgets: [], notes: [], failed }];
  }
};

const world = await startWorld({ quick: flags.quick });
process.once('exit', world.close);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
const sections: Section[] = [];
for (const step of selected) {
  const measured = await measureStep(step);
  sections.push(...measured);
  for (const section of measured) print(sectionText(section));
}
const report: Report = { at, quick: flags.quick, seconds: (performance.now() - startedAt) / 1000, machine, sections };
print(footText(report));
if (hasFailed(sections)) process.exitCode = 1;
const last = lastSaved(report);
if (!flags.quick) {
  if (last !== undefined) print(movedText(sections, last));
  print(leastText(sections));
}
const text = `${JSON.stringify(report, undefined, 2)}\n`;
if (flags.json) process.stdout.write(text);
if (flags.save) {
  const day = at.slice(0, 10);
  let name = `${day}.json`;
  for (let run = 2; existsSync(join(resultsFolder, name)); run += 1) name = `${day}-${run}.json`;
  writeFileSync(join(resultsFolder, name), text);
}
// `process.exit` alone drops what a pipe has not taken yet.
process.stdout.write('', () => process.exit());
