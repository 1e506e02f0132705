import { presentCode, presentRefreshToken, read, type Answer, type Held } from './app.ts';
import type { DrillCase } from './cases.ts';
import type { World } from './world.ts';

/** What an app sees after the restore, as HTTP statuses. */
export interface Seen {
  /** A read with its newest access token. */
  readonly read?: number;
  /** A refresh with its newest refresh token. */
  readonly refresh?: number;
  /** A refresh with the one that was replaced. */
  readonly older?: number;
  /** Its code, once more. */
  readonly code: number;
  /** The status of its export. */
  readonly exported?: number;
}

const isInvalidGrant = ({ status, body }: Answer): boolean => status === 400 && body['error'] === 'invalid_grant';

/** An answer to a token that does not work. @throws Error if it is another one than apps know how to handle */
const statusOf = (what: string, answer: Answer): number => {
  if (answer.status === 200 || isInvalidGrant(answer)) return answer.status;
  throw new Error(`${what} answered ${answer.status}: ${JSON.stringify(answer.body).slice(0, 300)}`);
};

/**
 * Tries everything that the app holds, as it would: what may end the grant comes last.
 * @throws Error if an answer is neither a success nor a plain refusal
 */
export const tryTokens = async ({ stack }: World, held: Held): Promise<Seen> => {
  const { accessToken, refreshToken, olderRefreshToken, exportUrl } = held;
  const readStatus = accessToken === undefined ? undefined : (await read(stack, held, 'Patient')).status;
  const exported = exportUrl === undefined ? undefined : (await read(stack, held, exportUrl)).status;
  const refresh =
    refreshToken === undefined
      ? undefined
      : statusOf('the refresh', await presentRefreshToken(stack, held, refreshToken));
  const older =
    olderRefreshToken === undefined
      ? undefined
      : statusOf('the replaced refresh token', await presentRefreshToken(stack, held, olderRefreshToken));
  const code = statusOf('the code', await presentCode(stack, held));
  return {
    code,
    ...(readStatus === undefined ? {} : { read: readStatus }),
    ...(refresh === undefined ? {} : { refresh }),
    ...(older === undefined ? {} : { older }),
    ...(exported === undefined ? {} : { exported }),
  };
};

/** What is wrong with what an app sees, given what must have become of its grant; nothing if all is well. */
export const faultsIn = ({ name, expects }: DrillCase, { read: readStatus, refresh, older, code }: Seen): string[] => {
  const wanted = expects === 'goes on' ? 200 : 401;
  return [
    ...(code === 200 ? [`${name}: its code works a second time`] : []),
    ...(older === 200 ? [`${name}: a replaced refresh token works`] : []),
    ...(readStatus !== undefined && readStatus !== wanted ? [`${name}: a read is ${readStatus}, not ${wanted}`] : []),
    ...(refresh !== undefined && (refresh === 200) !== (expects === 'goes on')
      ? [`${name}: a refresh is ${refresh}`]
      : []),
  ];
};
