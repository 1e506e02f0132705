import { askUserinfo } from '../../../../functions/shared/payer/ask-userinfo.ts';
import { localData, testDeps } from '../../../support/gateway.ts';

const profile = { ...localData().payers[1]!, userinfoEndpoint: 'https://id.plan.example/userinfo' };

const ask = (answer: () => Response | Promise<Response>) => {
  const { deps, payer } = testDeps();
  payer.http = async () => answer();
  return { asking: askUserinfo(deps, profile, 'fresh-token'), requests: payer.requests };
};

describe('a payer’s userinfo endpoint', () => {
  it('is asked once for JSON with the fresh token, and no redirect is followed', async () => {
    const { asking, requests } = ask(() => Response.json({ sub: '7' }));

    expect(await asking).toEqual({ sub: '7' });
    expect(requests).toEqual([
      {
        url: 'https://id.plan.example/userinfo',
        init: {
          headers: { Accept: 'application/json', Authorization: 'Bearer fresh-token' },
          redirect: 'manual',
          signal: expect.any(AbortSignal),
        },
      },
    ]);
  });

  it('is asked at no address if the profile has none, although the configuration would not allow that', async () => {
    const { userinfoEndpoint: _, ...without } = profile;
    const { deps, payer } = testDeps();
    payer.http = async () => Response.json({});
    await askUserinfo(deps, without, 'fresh-token');

    expect(payer.requests.map(({ url }) => url)).toEqual(['']);
  });

  const noObject = ' answered without a JSON object';
  it.each<[string, () => Response, string, string]>([
    ['a signed answer', () => new Response('eyJ.eyJ.x'), 'nonsense', noObject],
    ['a list', () => Response.json(['7']), 'nonsense', noObject],
    [
      'a patient twice',
      () => new Response('{"patient":"1","patient":"2"}'),
      'nonsense',
      ' answered with a repeated member',
    ],
    ['503', () => new Response('', { status: 503 }), 'unavailable', ' answered 503'],
    ['over 256 KB', () => new Response('x'.repeat(256 * 1024 + 1)), 'nonsense', ': answer over 262144 bytes'],
  ])('says nothing with %s, and the log says why', async (_, answer, failure, detail) => {
    await expect(ask(answer).asking).rejects.toMatchObject({ failure, detail: `userinfo endpoint${detail}` });
  });
});
