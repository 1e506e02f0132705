import type { ApiEvent, ApiResponse } from '../../functions/shared/http/api.ts';
import { apiEvent } from '../api-event.ts';
import { oneAfterAnother, oneByOne, type Round } from '../measure.ts';
import { measured } from '../stage.ts';
import { cookiesOf, redirectOf, sentBack } from '../walk.ts';
import { makeTable, type World } from '../world.ts';
import { grantHandler } from './grant-app.ts';

type Call = (event: ApiEvent) => Promise<ApiResponse>;

const start = async ({ payerOrigin }: World, table: string): Promise<Call> => {
  const handler = grantHandler(payerOrigin, await makeTable(table, ['sid']));
  return async (event) => {
    const { redirect } = (await handler(event)) as { redirect?: ApiResponse };
    if (redirect === undefined) throw new Error('grant gave no redirect');
    return redirect;
  };
};

const connectEvent = (): ApiEvent => apiEvent('/connect/payer');

export const grantAuthorize = async (world: World): Promise<Round> => {
  const call = await start(world, 'grant.authorize');
  return oneByOne(
    oneAfterAnother(async () => connectEvent()),
    async (event) => void sentBack(await call(event), 'state'),
  );
};

export const grantCallback = async (world: World): Promise<Round> => {
  const call = await start(world, 'grant.callback');
  const prepare = async (): Promise<ApiEvent> => {
    const started = await call(connectEvent());
    return apiEvent('/connect/payer/callback', {
      query: { code: 'c'.repeat(43), state: sentBack(started, 'state') },
      headers: { Cookie: cookiesOf(started) },
    });
  };
  return oneByOne(oneAfterAnother(prepare), async (event) => {
    const { origin, search } = redirectOf(await call(event));
    if (!measured.redirectUri.startsWith(origin) || search !== '') throw new Error(`grant went to ${origin}${search}`);
  });
};
