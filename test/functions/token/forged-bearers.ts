import { randomBytes } from 'node:crypto';
import { readAccessToken, readCode, readRefreshToken, writeBearer } from '../../../functions/shared/store/bearers.ts';

const found = <T>(bearer: T | undefined): T => {
  if (bearer === undefined) throw new Error('no bearer of ours');
  return bearer;
};

/** A code of the same grant, as a guesser would write it. */
export const codeWithAnotherSecret = (code: string): string =>
  writeBearer({ ...found(readCode(code)), secret: randomBytes(32) });

/** A refresh token as someone with only an access token could forge it: id and key are right, the family is not. */
export const refreshTokenFromAccessToken = (accessToken: string): string => {
  const { grantId, grantKey, secret } = found(readAccessToken(accessToken));
  return writeBearer({ kind: 'refresh', grantId, grantKey, familySecret: secret, secret });
};

/** A refresh token of the right family that was never current. */
export const refreshTokenWithAnotherSecret = (refreshToken: string): string =>
  writeBearer({ ...found(readRefreshToken(refreshToken)), secret: randomBytes(32) });
