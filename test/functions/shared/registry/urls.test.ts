import { localStage } from '../../../../config/local.ts';
import { callbackUri, facadeBase, payerBases } from '../../../../functions/shared/registry/urls.ts';

describe('addresses', () => {
  it('of the gateway name the payer', () => {
    expect(facadeBase('https://gateway.example', 'northwind')).toBe('https://gateway.example/r4/northwind');
    expect(callbackUri('https://gateway.example', 'northwind')).toBe(
      'https://gateway.example/oauth2/callback/northwind',
    );
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
