import { jest } from '@jest/globals';
import { fetchGateway, fhir, read } from '../support/fetch-gateway.ts';
import { gateway } from '../support/login.ts';

/** The texts that are parsed and the objects that are printed while something runs: the length of each. */
const jsonOf = async (run: () => Promise<unknown>): Promise<{ parsed: number[]; printed: number[] }> => {
  const parse = jest.spyOn(JSON, 'parse');
  const print = jest.spyOn(JSON, 'stringify');
  try {
    await run();
    return {
      parsed: parse.mock.calls.map(([text]) => text.length),
      // The stand-in for DynamoDB prints names.
      printed: print.mock.results
        .filter((_result, call) => typeof print.mock.calls[call]?.[0] === 'object')
        .map(({ value }) => String(value).length),
    };
  } finally {
    parse.mockRestore();
    print.mockRestore();
  }
};

describe('JSON is parsed and printed', () => {
  it('JSON is parsed and printed once each in a FHIR read, for the payer tokens and the log line, and never for the answer', async () => {
    const test = fetchGateway();
    const { token } = await test.grant();
    const answer = fhir({ resourceType: 'Patient', id: 'patient-1', text: 'x'.repeat(100_000) });
    test.payer.http = () => Promise.resolve(answer);

    const { parsed, printed } = await jsonOf(() => read(test.deps, 'Patient/patient-1', token));

    expect([parsed.length, printed.length]).toEqual([1, 1]);
    expect(Math.max(...parsed, ...printed)).toBeLessThan(2000);
  });

  it('JSON is parsed and printed once in a redemption, for the answer and the log line, and never parsed', async () => {
    const test = gateway();
    const code = await test.login();

    const { parsed, printed } = await jsonOf(() => test.redeem(code));

    expect(parsed).toEqual([]);
    expect(printed).toHaveLength(2);
  });
});
