import { registryData } from '../../../../config/checks/load.ts';
import { localStage } from '../../../../config/local.ts';
import { registryOf } from '../../../../functions/shared/registry/registry.ts';
import {
  blockedPartner,
  isBlocked,
  isEnd,
  isPaused,
  pausedPayer,
} from '../../../../functions/shared/registry/stops.ts';
import {
  authorizeUrl,
  callbackUri,
  facadeBase,
  payerBases,
  tokenUrl,
} from '../../../../functions/shared/registry/urls.ts';

describe('registry', () => {
  const config = localStage();
  const registry = registryOf(registryData(config));

  it('finds a payer and a partner as the stage names them', async () => {
    expect(await registry.payer('northwind')).toEqual(config.payers[1]);
    expect(await registry.partner('demo-app')).toEqual(config.partners[1]);
    expect(registry.stage).toBe('local');
    expect(registry.lifetimes.code).toBe(300);
  });

  it('knows no one that is not in the stage, whatever the name', async () => {
    for (const name of ['', 'nobody', 'constructor', '__proto__', 'NORTHWIND']) {
      expect(await registry.payer(name)).toBeUndefined();
      expect(await registry.partner(name)).toBeUndefined();
    }
  });

  it('lists every payer, with a partner that may read from it', async () => {
    const { entries: directory } = await registry.directory();

    expect(directory.map(({ id }) => id).toSorted()).toEqual(config.payers.map(({ id }) => id).toSorted());
    for (const { id, partner } of directory) {
      expect((await registry.partner(partner ?? ''))?.payers).toContain(id);
    }
  });

  it('accepts a web origin only exactly as a partner registered it', async () => {
    expect(await registry.isWebOrigin('http://localhost:3002')).toBe(true);
    for (const origin of ['http://localhost:3002/', 'http://localhost:30020', 'https://localhost:3002', 'null', '']) {
      expect(await registry.isWebOrigin(origin)).toBe(false);
    }
  });
});

const stop = { at: 1000, by: 'arn:aws:iam::111122223333:user/one', reason: 'a leak' };

describe('a pause', () => {
  it('holds until an operator ends it, or until its second has come', () => {
    expect(isPaused(undefined, 2000)).toBe(false);
    expect(isPaused(stop, 2000)).toBe(true);
    expect(isPaused({ ...stop, until: 2000 }, 1999.999)).toBe(true);
    expect(isPaused({ ...stop, until: 2000 }, 2000)).toBe(false);
    expect(isPaused({ ...stop, until: 900 }, 1000)).toBe(false);
  });

  it('tells when to ask again: in the second that it ends, at least one second, or after five minutes', () => {
    expect(pausedPayer(stop, 2000).retryAfterSeconds).toBe(300);
    expect(pausedPayer({ ...stop, until: 2090 }, 2000.5).retryAfterSeconds).toBe(90);
    expect(pausedPayer({ ...stop, until: 2000 }, 1999.999).retryAfterSeconds).toBe(1);
    expect(pausedPayer({ ...stop, until: 2000 }, 2000).retryAfterSeconds).toBe(1);
  });
});

it('a block holds until an operator ends it, whatever `until` someone wrote by hand', () => {
  expect(isBlocked(undefined)).toBe(false);
  expect(isBlocked(stop)).toBe(true);
  expect(isBlocked({ ...stop, until: 900 })).toBe(true);
});

it('a stop that is over in the second in which it began ends the one before, and holds nothing', () => {
  const end = { ...stop, until: stop.at };

  expect([isEnd(end), isPaused(end, 0), isBlocked(end)]).toEqual([true, false, false]);
  expect([isEnd(stop), isEnd({ ...stop, until: 1001 }), isEnd({ ...stop, until: 999 })]).toEqual([false, false, false]);
});

it('a stop whose time was damaged by hand ends nothing', () => {
  const damaged = { ...stop, at: 0, until: 0 };

  expect([isEnd(damaged), isBlocked(damaged), isPaused(damaged, -1)]).toEqual([false, true, true]);
});

it('both errors say to the caller and to the log what was stopped', () => {
  expect(blockedPartner()).toMatchObject({
    code: 'unauthorized_client',
    status: 403,
    publicMessage: 'This app has been blocked by the operator of this gateway.',
    detail: 'the partner is blocked',
    stop: 'block',
    retryAfterSeconds: undefined,
  });
  expect(pausedPayer(stop, 2000)).toMatchObject({
    code: 'temporarily_unavailable',
    status: 503,
    publicMessage: 'This health plan is paused by the operator of this gateway.',
    detail: 'the payer is paused',
    stop: 'pause',
  });
});

it('neither error tells who stopped it or why', () => {
  for (const error of [blockedPartner(), pausedPayer(stop, 2000)]) {
    expect(JSON.stringify([error, error.message, error.publicMessage, error.detail])).not.toMatch(/a leak|arn:aws/);
  }
});

describe('addresses', () => {
  it('of the gateway name the payer, except the token endpoint', () => {
    expect(facadeBase('https://gateway.example', 'northwind')).toBe('https://gateway.example/r4/northwind');
    expect(authorizeUrl('https://gateway.example', 'northwind')).toBe(
      'https://gateway.example/oauth2/authorize/northwind',
    );
    expect(callbackUri('https://gateway.example', 'northwind')).toBe(
      'https://gateway.example/oauth2/callback/northwind',
    );
    expect(tokenUrl('https://gateway.example')).toBe('https://gateway.example/oauth2/token');
  });

  it('of a payer are its base first, and then every other spelling of it', () => {
    const [payer] = localStage().payers;
    if (payer === undefined) throw new Error('the local stage has payers');
    const fhirBaseUrlAliases = ['https://old.example/r4', 'https://older.example/r4'];

    expect(payerBases({ ...payer, fhirBaseUrl: 'https://payer.example/r4', fhirBaseUrlAliases })).toEqual([
      'https://payer.example/r4',
      ...fhirBaseUrlAliases,
    ]);
    expect(payerBases({ ...payer, fhirBaseUrlAliases: [] })).toEqual([payer.fhirBaseUrl]);
  });
});
