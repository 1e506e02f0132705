import { readFileSync } from 'node:fs';
import { startLocalTarget, type LocalTarget } from '../conformance/local-target.ts';
import { checkExchange, codesOfLog, documentedAnswers, type Checked } from '../openapi/check-exchange.ts';
import { operations } from '../openapi/document.ts';
import { observe } from '../openapi/observe.ts';
import { prepare, untilStopsAreKnown } from './openapi/context.ts';
import { driveDiscoveryAnswers } from './openapi/discovery-answers.ts';
import { driveExchangeAnswers } from './openapi/exchange-answers.ts';
import { driveExportAnswers, driveTokenFailures } from './openapi/export-answers.ts';
import { driveFhirAnswers } from './openapi/fhir-answers.ts';
import { driveOAuthAnswers } from './openapi/oauth-answers.ts';
import { driveOutage } from './openapi/outage-answers.ts';
import { undriven } from './openapi/undriven.ts';

let target: LocalTarget;
let checked: readonly Checked[];

beforeAll(async () => {
  target = await startLocalTarget();
  const observed = observe(Number(new URL(target.origin).port));
  const context = await prepare(target);
  await Promise.all([untilStopsAreKnown(), driveTokenFailures(context)]);
  // A system token lives for five minutes.
  await driveExchangeAnswers(context);
  await driveDiscoveryAnswers(context);
  await driveOAuthAnswers(context);
  await driveFhirAnswers(context);
  await driveExportAnswers(context);
  await driveOutage(context);
  observed.stop();
  const codeOf = codesOfLog(target.logLines);
  checked = observed.exchanges.map((exchange) => checkExchange(exchange, codeOf));
}, 600_000);
afterAll(() => target.close());

describe('docs/openapi.yaml and the running stack', () => {
  it('has every answer that was seen', () => {
    expect([...new Set(checked.flatMap(({ problems }) => problems))]).toEqual([]);
  });

  it('has no answer that was not seen, but for those of a defect', () => {
    const seen = new Set(checked.flatMap((one) => one.seen));
    const never = documentedAnswers.filter((answer) => !seen.has(answer));
    process.stdout.write(
      `docs/openapi.yaml: ${operations.length} operations, ${documentedAnswers.length} documented answers, ` +
        `${documentedAnswers.length - never.length} of them seen in ${checked.length} exchanges\n`,
    );

    expect(never.filter((answer) => !undriven.has(answer))).toEqual([]);
    expect([...undriven.keys()].filter((answer) => !never.includes(answer))).toEqual([]);
  });

  it('names a test for each answer that was not seen', () => {
    for (const file of new Set(undriven.values())) expect(readFileSync(file, 'utf8')).toMatch(/server_error|500/);
  });
});

describe('the suite', () => {
  const seen = { method: 'GET', url: '/oauth2/jwks/x', headers: {}, body: Buffer.alloc(0), whole: true };
  const problemsOf = (exchange: object): readonly string[] =>
    checkExchange({ ...seen, status: 200, ...exchange }, () => 'invalid_scope').problems;

  it('finds a status, a path, a header, a body and a code that are not documented', () => {
    const json = {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'access-control-allow-origin': '*',
    };
    const good = { ...json, 'cache-control': 'public, max-age=300' };
    const refused = '{"error":"not_found","error_description":"No. (reference 00000000-0000)"}';

    expect(problemsOf({ headers: good, body: Buffer.from('{"keys":[]}') })).toEqual([]);
    expect(problemsOf({ status: 418 }).join()).toContain('jwks has no 418');
    expect(problemsOf({ url: '/nowhere' }).join()).toContain('the path is not documented');
    expect(problemsOf({ headers: json, body: Buffer.from('{"keys":[]}') }).join()).toContain('cache-control: no-store');
    expect(problemsOf({ headers: good, body: Buffer.from('{"keys":"none"}') }).join()).toContain('/keys must be array');
    expect(problemsOf({ status: 404, headers: json, body: Buffer.from(refused) }).join()).toContain('invalid_scope');
  });
});
