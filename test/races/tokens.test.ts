import { describeAnswer } from '../faults/answers.ts';
import {
  connect,
  login,
  pairOf,
  redeemAs,
  redeemRequest,
  refreshRequest,
  sentOn,
  startLogin,
} from '../faults/requests.ts';
import { allAtOnce, holdRaces, inOAuth, parallel, reads, tally, times, type Contest } from './arena.ts';

const contests: Readonly<Record<string, Contest>> = {
  'a code is redeemed once, and a second redemption ends the grant (RFC 6749 §4.1.2)': {
    rounds: 200,
    race: async ({ world, instances }) => {
      const code = await login(world, instances[0]);

      const answers = await allAtOnce(
        instances,
        times(parallel, () => redeemRequest(code)),
      );

      expect(inOAuth(answers)).toEqual({ '200 tokens': 1, '400 `invalid_grant`': parallel - 1 });
      const winner = pairOf(answers.find(({ status }) => status === 200)!);
      expect(await reads(instances[0], winner.access)).toBe(false);
    },
  },
  "a code is redeemed by its owner, however many strangers try (RFC 6749 §4.1.3): the owner's grant lives": {
    rounds: 52,
    race: async ({ world, instances }) => {
      const code = await login(world, instances[0]);
      const strangers = times(parallel - 1, () => redeemAs('demo-app', code));

      const answers = await allAtOnce(instances, strangers.toSpliced(parallel / 2, 0, redeemRequest(code)));

      expect(inOAuth(answers)).toEqual({ '200 tokens': 1, '400 `invalid_grant`': parallel - 1 });
      expect(await reads(instances[0], pairOf(answers[parallel / 2]!).access)).toBe(true);
    },
  },
  'concurrent refreshes all get the same pair, and the grant stays valid': {
    rounds: 200,
    race: async ({ world, instances }) => {
      const { refresh } = await connect(world, instances[0]);

      const answers = await allAtOnce(
        instances,
        times(parallel, () => refreshRequest(refresh)),
      );

      expect(inOAuth(answers)).toEqual({ '200 tokens': parallel });
      expect(new Set(answers.map((answer) => JSON.stringify(pairOf(answer)))).size).toBe(1);
      expect(await reads(instances[0], pairOf(answers[0]!).access)).toBe(true);
    },
  },
  "a browser that returns many times gets one grant, and uses the payer's code once": {
    rounds: 200,
    race: async ({ world, instances }) => {
      const comingBack = await startLogin(world, instances[0]);
      const before = world.payer.issued.authorization_code;
      const asked = world.payer.requests('northwind', 'token').length;

      const answers = await allAtOnce(instances, times(parallel, comingBack));

      expect(tally(answers.map((answer) => describeAnswer('browser', answer)))).toEqual({
        'back with a code': 1,
        'page 400': parallel - 1,
      });
      expect(world.payer.issued.authorization_code - before).toBe(1);
      expect(world.payer.requests('northwind', 'token').length - asked).toBe(1);
      const code = sentOn(answers.find(({ status }) => status === 302)!).get('code') ?? '';
      expect((await instances[0].call(redeemRequest(code))).status).toBe(200);
    },
  },
};

holdRaces(contests);
