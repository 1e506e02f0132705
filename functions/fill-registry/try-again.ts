import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { causeOf } from '../shared/errors.ts';
import type { FillDeps } from './deps.ts';

const firstMs = 200;
const longestMs = 5000;

/**
 * How long to wait before another try, in milliseconds: twice as long each time, up to five seconds, less up to a half.
 * @param tries how many have failed
 * @param random from 0 up to 1, so that parallel writers do not come back together
 */
export const backOff = (tries: number, random: number): number =>
  Math.min(firstMs * 2 ** (tries - 1), longestMs) * (1 - random / 2);

/** A role that was made a moment ago may be refused for some seconds. */
const mostTries = 10;

/** The deployment's work ended early. The message is ours, for CloudFormation. */
export class Unfinished extends Error {}

const isThrottled = (error: unknown): boolean =>
  error instanceof Error && /Throttl|ProvisionedThroughputExceeded|RequestLimitExceeded/.test(error.name);

/** What calls to DynamoDB are repeated with, and until when. */
export interface Trying {
  readonly deps: Pick<FillDeps, 'clock' | 'random' | 'wait'>;
  /** When to stop, by the monotonic clock. */
  readonly untilMs: number;
}

/**
 * Calls DynamoDB, and again if that fails: while it throttles, as long as there is time; otherwise a few times.
 * @throws ConditionalCheckFailedException at once, Unfinished
 */
export const tryAgain = async <Answer>({ deps, untilMs }: Trying, call: () => Promise<Answer>): Promise<Answer> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) throw error;
      if (!isThrottled(error) && tries >= mostTries) {
        throw new Unfinished(`DynamoDB answers ${causeOf(error)}`, { cause: error });
      }
      const pauseMs = backOff(tries, deps.random());
      if (deps.clock.monotonic() + pauseMs >= untilMs) {
        throw new Unfinished(`there was no more time, and DynamoDB answers ${causeOf(error)}`, { cause: error });
      }
      await deps.wait(pauseMs);
    }
  }
};
