import { localStage } from '../../../../config/local.ts';
import {
  authorizeUrl,
  callbackUri,
  facadeBase,
  payerBases,
  tokenUrl,
} from '../../../../functions/shared/registry/urls.ts';

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
