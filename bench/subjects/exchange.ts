import { startExchangeStack, type Lines, type PlanSize } from '../exchange-stack.ts';
import { measure, timed } from '../measure.ts';
import { atLeast, inWords, ratios, rowsOf, seriesOf } from '../report.ts';
import { spreadOf } from '../statistics.ts';
import type { Step } from './step.ts';

const files = 20;
const readingBytes = 2000;

const sizeOf = (members: number, readings: number): PlanSize => ({
  generated: { members, readings, readingBytes },
  linesPerFile: (members * readings) / files,
  pace: { latencyMs: 50, bytesPerSecond: 20e6 },
});

/** What each member has one of. */
const ofEach = ['Patient', 'Coverage', 'Encounter', 'Condition', 'ExplanationOfBenefit'];

/** @throws Error if a line of a member is missing, or if the other side has another number */
const lineChecker = ({ generated: { members, readings } }: PlanSize): ((lines: Lines) => void) => {
  const expected = [...ofEach.map((type) => [type, members] as const), ['Observation', members * readings] as const];
  let known: number | undefined;
  return (lines) => {
    for (const [type, count] of expected) {
      if (lines.get(type) !== count) throw new Error(`${lines.get(type)} lines of ${type} instead of ${count}`);
    }
    // The gateway says of each of its files where it is from.
    const all = [...lines].reduce((total, [type, count]) => total + (type === 'Provenance' ? 0 : count), 0);
    known ??= all;
    if (all !== known) throw new Error(`${all} lines instead of ${known}`);
  };
};

/** An export of a Group of 1,000 members, from its kick-off to the poll that finds it complete. */
export const exchange: Step = {
  name: 'exchange',
  run: async (world) => {
    const size = world.quick ? sizeOf(20, 20) : sizeOf(1000, 200);
    const { members, readings } = size.generated;
    const { signIn, exportGroup, downloadGroup, deleteExport, close } = await startExchangeStack(world, size);
    const check = lineChecker(size);
    try {
      const measured = await measure(
        [
          {
            name: 'exchange',
            kind: 'ours',
            start: () => async () => {
              const send = await signIn();
              let status = '';
              const sample = await timed(async () => {
                const exported = await exportGroup(send);
                check(exported.lines);
                ({ status } = exported);
              });
              await deleteExport(status, send);
              return sample;
            },
          },
          {
            name: 'bare download',
            kind: 'floor',
            start: () => () => timed(async () => check(await downloadGroup())),
          },
        ],
        { rounds: world.quick ? 1 : 4, operations: 1, warmUpOperations: 0 },
      );
      const ratio = spreadOf(ratios(seriesOf(measured, 'bare download'), seriesOf(measured, 'exchange'), 'wallMs'));
      const megabytes = Math.round((members * readings * readingBytes) / 1e6);
      const { latencyMs, bytesPerSecond } = size.pace;
      return {
        name: 'exchange',
        what:
          `a Group of ${members} members, ${megabytes} MB in ${files} files and a few small ones, ` +
          `${latencyMs} ms an answer, ${bytesPerSecond / 1e6} MB a second`,
        plan: measured.plan,
        rows: rowsOf(measured, { wallOnly: true }),
        missing: measured.missing,
        budgets: [
          atLeast({
            name: "throughput to the bare download's",
            // A short export is over before the job's start has paid off.
            value: world.quick ? undefined : ratio.median,
            limit: 0.9,
            unit: ' ×',
            detail: inWords(ratio),
          }),
        ],
        notes: [
          'From the kick-off to the status 200, on the local stack: a process for each invocation of the job.',
          'The match comes before the clock. Both poll the former plan as often as it says.',
          `ratios of throughput: ${inWords(ratio)}`,
        ],
      };
    } finally {
      await close();
    }
  },
};
