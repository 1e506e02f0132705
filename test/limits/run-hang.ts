import { readOrExit } from '../../bin/shared/command-line.ts';
import { hangSpec } from './flags.ts';
import { hang, type Hang, type Phase } from './hang.ts';

const { seconds: during, without } = await readOrExit(hangSpec);
const load = { environments: 20, perSecond: 6, before: 15, during, after: 30 };

const share = ({ answered, offered }: Phase): string => `${((100 * answered) / offered).toFixed(1)} %`;
const line = (name: string, { answered, offered, throttled, third, mostBusy, seconds }: Phase): string =>
  `${name.padEnd(8)}${seconds.toFixed(0).padStart(4)} s  others ${answered} of ${offered} (${share({ answered, offered } as Phase)})  no environment free ${throttled}  most busy ${mostBusy}  third payer ${JSON.stringify(third)}`;
const tell = (title: string, found: Hang): void =>
  void process.stdout.write(
    [
      title,
      line('before', found.before),
      line('during', found.during),
      line('after', found.after),
      `openings ${found.openings}; first refusal after ${found.openedAfterSeconds?.toFixed(0) ?? '-'} s, first answer ${found.closedAfterSeconds?.toFixed(0) ?? '-'} s after the payer answers again (seconds of the breaker); open at the end: ${found.isOpenAtEnd}`,
      '',
    ].join('\n'),
  );

tell('A payer that hangs', await hang({ ...load, trouble: 'hangs' }));
if (without) tell('The same without a breaker', await hang({ ...load, trouble: 'hangs', breaker: false }));
tell("One partner's heavy searches", await hang({ ...load, perSecond: 4, trouble: 'heavySearches' }));
