import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { auditFunction, streamRecord } from '../functions/audit/records.ts';
import { groupInput, groupOf, matchInput, memberOf, planOf, type Plan } from '../functions/export-job/former-plan.ts';
import { exchangeGateway, newPlan, oldPlan } from '../support/exchange-gateway.ts';
import { exportWorld, fhir, type WorldOptions } from '../support/export-world.ts';
import { identityToken, identityWorld, issuer, planted } from '../support/identity.ts';
import { npi } from '../support/member-bundle.ts';
import { bundleOf, consentOf, parametersOf } from '../support/new-plan.ts';
import { answer, answerText } from '../support/payer/answers.ts';
import { everyAwsFault, everySurprise } from './aws-faults.ts';
import { everyFlow } from './flows.ts';
import { plantGarden } from './garden.ts';
import { startInProcess, type InProcess } from './in-process.ts';
import { everyMalformedRequest } from './malformed.ts';
import { everyPayerFault } from './payer-faults.ts';

const seed = process.env['LEAKS_SEED'] ?? '1';

/** Runs a part, and records what a function would have printed by itself. */
const run = async (part: (setting: InProcess) => Promise<void>): Promise<InProcess> => {
  const setting = startInProcess(seed);
  const { log, info, warn, error, debug } = console;
  const print = (...args: readonly unknown[]): void => setting.garden.see('crash output', inspect(args, { depth: 8 }));
  Object.assign(console, { log: print, info: print, warn: print, error: print, debug: print });
  try {
    await part(setting);
    await setting.gather();
  } finally {
    Object.assign(console, { log, info, warn, error, debug });
  }
  return setting;
};

const report = (title: string, { garden }: InProcess): void => {
  const { canaries, places, texts } = garden.counts();
  process.stdout.write(`leaks, ${title}: ${canaries} canaries × ${places} places, ${texts} texts (seed ${seed})\n`);
};

describe('a canary in every secret, token, code, state, verifier, cookie, name and resource', () => {
  it('appears only where it must when all goes well (ASVS 16.2.5)', async () => {
    const setting = await run(everyFlow);

    report('every flow', setting);
    expect(setting.payer.misuse).toEqual([]);
    expect(setting.garden.leaks()).toEqual([]);
    for (const place of [
      'redirect to the payer',
      'redirect to the partner',
      'consent page',
      'token answer',
      'read answer',
      'other answer',
      'audit item',
      'audit event',
    ] as const) {
      expect([place, setting.garden.seen(place).length > 0]).toEqual([place, true]);
    }
  });

  it('appears nowhere else when the payer fails, whatever its bodies and headers say', async () => {
    const setting = await run(everyPayerFault);

    report('payer faults', setting);
    expect(setting.garden.leaks()).toEqual([]);
  });

  it('of an identity token appears nowhere but at the payer, whatever comes of the call', async () => {
    const garden = plantGarden(seed);
    const world = identityWorld();
    const audit = auditFunction();
    const { given, family, birthdate, street, mbi } = planted;
    for (const value of [given, family, birthdate, street, mbi, 'subject-of-wilhelmina'])
      garden.note('identity', value);
    const identify = async (claims: Readonly<Record<string, unknown>> = {}): Promise<void> => {
      const token = await identityToken({ mbi, ...claims });
      garden.note('identity', token.split('.')[2]!);
      const { statusCode, body } = await world.identify(token);
      garden.see(statusCode === 200 ? 'token answer' : 'error answer', String(body));
    };
    await identify();
    await identify({ given_name: 'Nobody' });
    await identify({ family_name: 7 });
    await identify({ [family]: family, birthdate: [birthdate], iss: street });
    for (const fails of [
      async () => answer(400, { status_code: 400, message: family, error: given }),
      async () => answer(200, { access_token: 'a', patient: 'bb-1', scope: `patient/${family}.rs ${mbi}` }),
      async () => answerText(200, JSON.stringify(planted)),
      () => Promise.reject(Object.assign(new Error(`${family} ${street}`), { cause: new Error(birthdate) })),
    ]) {
      world.script.answer = fails;
      await identify();
    }
    garden.see('request to the payer', ...world.asked.map(({ form }) => form.toString()));
    for (const table of ['Grants', 'Limits', 'AuditEvents']) {
      for (const item of [...world.dynamo.puts(table), ...world.dynamo.items(table).values()]) {
        garden.see('write to a table', JSON.stringify(item));
        if (table !== 'Limits') await audit.handle(streamRecord(undefined, item));
      }
    }
    garden.see('log line', ...world.lines, ...audit.log().map((line) => JSON.stringify(line)));
    for (const [name, text] of audit.objects) {
      garden.see('audit object name', name);
      garden.see('audit event', text);
    }

    expect(garden.leaks()).toEqual([]);
    expect(garden.seen('audit event').join()).toContain(issuer);
    expect(world.asked).toHaveLength(6);
  });

  it.each([
    'answers no HTTP',
    'has a header that is none',
    'has a huge header',
    'breaks off',
    'sends chunks that are none',
    'quotes it all',
    'meets a crash',
    'meets a promise that nobody awaits',
  ])('of an identity token is in no output or diagnostic report of a process whose payer %s', async (fault) => {
    const folder = await mkdtemp(join(tmpdir(), 'crash-'));
    const reports = ['--report-uncaught-exception', '--report-on-fatalerror', `--report-directory=${folder}`];
    const child = join(import.meta.dirname, 'identity-crash.ts');
    const env = { PATH: process.env['PATH'] };
    const ran = await new Promise<{ code: unknown; out: string }>((resolve) => {
      execFile(process.execPath, [...reports, child, fault], { env, timeout: 60_000 }, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, out: stdout + stderr }),
      );
    });
    const names = await readdir(folder);
    const dumped = (await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))).join('\n');
    await rm(folder, { recursive: true });

    const isCrash = fault.startsWith('meets');
    expect([ran.code, names.length, dumped.includes('"javascriptStack"')]).toEqual([isCrash ? 1 : 0, 1, true]);
    expect(ran.out).toMatch(isCrash ? /planted crash/ : /^50[23] \{"error":"(?:server_error|temporarily_unavailable)"/);
    const { given, family, birthdate, street, mbi } = planted;
    for (const value of [given, family, birthdate, street, mbi, 'subject-of-wilhelmina', 'ssn_itin_short', 'eyJ']) {
      for (const spelled of [value, encodeURIComponent(value), Buffer.from(value, 'utf8').toString('latin1')]) {
        expect([value, `${ran.out}\n${dumped}`.includes(spelled)]).toEqual([value, false]);
      }
    }
  });

  it('of a member whom a plan asks for appears nowhere but at the former plan, whatever comes of the exchange', async () => {
    const garden = plantGarden(seed);
    const [firstName, lastName, memberId, secret] = Array.from({ length: 4 }, () => garden.canary('member')) as [
      string,
      string,
      string,
      string,
    ];
    const birthDate = '1953-07-19';
    garden.note('member', birthDate);
    const asked = { firstName, lastName, birthDate, memberId };
    const plans = { former: { system: npi, value: oldPlan }, own: { system: npi, value: newPlan } };
    const bundles = [bundleOf(asked, 'a', {}, plans), bundleOf(asked, 'b', {}, plans)];
    const see = ({ lines, dynamo }: Pick<ReturnType<typeof exportWorld>, 'lines' | 'dynamo'>): void => {
      garden.see('log line', ...lines);
      for (const table of ['Exports', 'Exchanges', 'AuditEvents', 'Audit', 'Limits']) {
        for (const item of [...dynamo.puts(table), ...dynamo.items(table).values()])
          garden.see('write to a table', JSON.stringify(item), inspect(item, { depth: 8 }));
      }
    };

    const gateway = exchangeGateway();
    const token = await gateway.systemToken();
    const kickOff = async (body: unknown, query = ''): Promise<number> => {
      const path = query === '' ? 'Group/$bulk-member-match' : 'Group/group-1/$davinci-data-export';
      const given = await gateway.ask(path, token, { ...(query === '' ? { body } : {}), query });
      garden.see(given.statusCode < 300 ? 'other answer' : 'error answer', inspect(given.headers), given.text);
      return given.statusCode;
    };
    const changed = (change: Parameters<typeof bundleOf>[2]) => parametersOf([bundleOf(asked, 'a', change, plans)]);
    const statuses = [
      await kickOff(parametersOf(bundles)),
      await kickOff(changed({ patient: { birthDate: lastName, [secret]: secret } })),
      await kickOff(changed({ patient: { id: secret.repeat(9), modifierExtension: [{ url: secret }] } })),
      await kickOff(changed({ coverage: { payor: [{ identifier: { system: secret, value: memberId } }] } })),
      await kickOff(changed({ consent: consentOf(secret, { status: lastName }) })),
      await kickOff(`{"resourceType":"Parameters","parameter":[{"name":"${lastName}","${secret}":"${birthDate}"`),
      await kickOff(undefined, `patient=Patient/${memberId}&_typeFilter=Patient?birthdate=${birthDate}`),
    ];
    see(gateway);

    const thrown = () =>
      Promise.reject(
        Object.assign(new Error(`${lastName} ${birthDate}`), { cause: new Error(memberId), code: secret }),
      );
    const said = {
      resourceType: 'OperationOutcome',
      text: { div: lastName },
      issue: [{ code: secret, diagnostics: memberId }],
    };
    const patient = (id: string) => ({ resourceType: 'Patient', id, name: [{ family: lastName }], birthDate });
    const files = [
      { type: 'Patient', lines: [patient('a'), patient('b'), patient(secret), `{"resourceType":"${secret}"}`, said] },
      {
        type: 'Observation',
        lines: [
          `{"${lastName}":"${birthDate}"`,
          { resourceType: 'Observation', id: memberId, note: [{ text: secret }] },
        ],
      },
    ];
    const group = groupOf(
      'match',
      { a: 'Patient/a', [secret]: `Patient/${memberId}` },
      { text: { div: lastName }, name: secret },
    );
    const instead: readonly Plan['instead'][] = [
      undefined,
      thrown,
      () => ({
        status: 422,
        headers: { 'content-type': 'application/fhir+json', warning: secret },
        body: JSON.stringify(said),
      }),
      ({ path }) => (path.startsWith('/files/') ? thrown() : undefined),
      ({ path }) =>
        path.startsWith('/files/') ? { body: JSON.stringify(patient('a')).repeat(2), cut: true } : undefined,
      ({ path }) =>
        path === '/status/1' ? fhir({ output: [{ type: secret, url: memberId }], [lastName]: birthDate }) : undefined,
      ({ method }) =>
        method === 'POST'
          ? { status: 202, headers: { 'content-location': `https://${secret}.example/${memberId}` } }
          : undefined,
    ];
    const plansOf: readonly Plan[] = instead.map((one) => ({
      output: files,
      error: [{ type: 'OperationOutcome', lines: [said] }],
      instead: one,
    }));
    const match = { ...matchInput('a', 'b'), body: JSON.stringify(parametersOf(bundles)) } as ReturnType<
      typeof matchInput
    >;
    const runExchange = async (plan: Plan, options: WorldOptions): Promise<void> => {
      const world = exportWorld(options);
      world.answerWith(planOf(world.base, plan));
      const ended = await world.run().catch((error: unknown) => error);
      garden.see('crash output', inspect(ended, { depth: 8 }));
      garden.see('history of the job', world.durable.engine.dump());
      garden.see(
        'request to the payer',
        ...world.asked.map((one) => inspect(one, { depth: 4, maxStringLength: null })),
      );
      for (const [name, bytes] of world.objects)
        garden.see('object of the bucket', name, Buffer.from(bytes).toString('latin1'));
      const record = await world.record().catch(() => undefined);
      garden.see('error answer', ...(record?.errors ?? []), JSON.stringify(record?.manifest.outcomes ?? []));
      see(world);
    };
    for (const plan of plansOf) {
      await runExchange(plan, { exchange: groupInput([memberOf('a'), memberOf('b')]) });
      await runExchange({ ...plan, output: [{ type: 'Group', lines: [group, said] }] }, { exchange: match });
    }
    // What AWS throws may quote what it was sent: once, when the job tries again, or for good, when it ends.
    const groupPlan = { output: [{ type: 'Group', lines: [group] }] };
    for (let at = 1; at < 40; at += 6) {
      for (const name of [undefined, 'put', 'openInJob'] as const) {
        let calls = 0;
        const onCall = (called: string): void => {
          calls += 1;
          if (name === undefined ? calls < at || calls > at + 1 : name !== called || calls < at) return;
          throw Object.assign(new Error(`${lastName} ${memberId}`), { name: 'ValidationException' });
        };
        await runExchange(plansOf[0]!, { exchange: groupInput([memberOf('a'), memberOf('b')]), onCall });
        calls = 0;
        await runExchange(groupPlan, { exchange: match, onCall });
      }
    }

    expect(statuses).toEqual([202, 400, 400, 400, 400, 400, expect.any(Number)]);
    expect(garden.leaks()).toEqual([]);
    expect(garden.seen('request to the payer').join()).toContain(lastName);
  });

  it('appears nowhere else when AWS fails with messages that quote what it was sent (ASVS 16.5.1)', async () => {
    const setting = await run(everyAwsFault);

    report('AWS faults', setting);
    expect(setting.garden.leaks()).toEqual([]);
  });

  it('appears nowhere else when a request is malformed in any parameter, header or path', async () => {
    const setting = await run(everyMalformedRequest);

    report('malformed requests', setting);
    expect(setting.payer.misuse).toEqual([]);
    expect(setting.garden.leaks()).toEqual([]);
  });

  it('appears in no output of a function that throws unexpectedly', async () => {
    const setting = await run(everySurprise);

    report('surprises', setting);
    expect(setting.garden.seen('crash output').length).toBeGreaterThan(0);
    expect(setting.garden.leaks()).toEqual([]);
  });
});
