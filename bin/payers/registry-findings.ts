import { instant } from '../../functions/shared/instant.ts';
import { isPaused, type Stop } from '../../functions/shared/registry/stops.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { fault, pass, type Finding } from './finding.ts';

/** A payer as the registry or the stage's file has it. */
export interface FoundPayer {
  readonly id: string;
  /** Undefined if its entry is damaged. */
  readonly payer: Payer | undefined;
  readonly stop?: Stop | undefined;
}

/** What the registry says about a payer that the payer does not know. @param nowMs epoch milliseconds */
export const registryFindings = ({ payer, stop }: FoundPayer, nowMs: number): Finding[] => [
  ...(payer === undefined
    ? [
        fault(
          'registry',
          'its entry was changed by hand and is damaged, so the gateway answers 503 for this payer',
          'write it again: npm run registry -- apply',
        ),
      ]
    : []),
  ...(isPaused(stop, nowMs / 1000)
    ? [
        pass(
          'registry',
          `paused ${stop.until === undefined ? 'until someone resumes it' : `until ${instant(stop.until)}`}, since ` +
            `${instant(stop.at)}, by ${stop.by}: ${stop.reason}`,
        ),
      ]
    : []),
];
