import { exportWorld, fhir, memberPatient, observation, pageOf } from '../../support/export-world.ts';

describe('each leg', () => {
  it('leaves an audit event before it asks for anything, and one at its end', async () => {
    const events: string[] = [];
    const world = exportWorld({ onCall: (name) => void events.push(name) });
    world.answerWith(() => pageOf([memberPatient]));

    await world.run();

    expect(events.indexOf('PutItemCommand')).toBeGreaterThan(-1);
    expect(events.indexOf('PutItemCommand')).toBeLessThan(events.indexOf('payer'));
    const read = world.dynamo
      .puts('Audit')
      .map(({ type, interaction, patient, status }) => [type?.S, interaction?.S, patient?.S, status?.N]);
    expect(read).toEqual([
      ['opened', 'export $everything', 'member-1', undefined],
      ['ended', 'export $everything', 'member-1', '200'],
    ]);
  });

  it('reads nothing while its audit event cannot be written', async () => {
    let isDown = true;
    const world = exportWorld({
      onCall: (name) => {
        if (name === 'PutItemCommand' && isDown) throw new Error('down');
      },
    });
    await world.kickOff();
    const arn = world.start();
    await world.durable.pass(5000);
    expect(world.asked).toEqual([]);

    isDown = false;
    await world.durable.finish(arn);

    expect(await world.item()).toMatchObject({ status: 'completed' });
  });

  it("asks the payer only on its turn of the payer's pace, which all exports share", async () => {
    const turns: number[] = [];
    let freeAt = 0;
    const world = exportWorld({
      profile: { wholeRecord: { requestsPerSecond: 0.5 } },
      deps: {
        waitForTurn: async (payer, perSecond, untilAt) => {
          expect([payer, perSecond]).toEqual(['northwind', 0.5]);
          if (freeAt > untilAt) return false;
          await world.durable.sleep(Math.max(0, freeAt - world.durable.now()));
          turns.push(world.durable.now());
          freeAt = world.durable.now() + 2000;
          return true;
        },
      },
    });
    world.answerWith(({ path }) => {
      const page = Number(/page=(\d+)/.exec(path)?.[1] ?? 1);
      return pageOf([observation(page)], page < 20 ? `${world.base}?page=${page + 1}` : undefined);
    });

    await world.run();

    expect(await world.item()).toMatchObject({ status: 'completed', resources: 20 });
    expect(turns).toHaveLength(20);
    expect(world.asked).toHaveLength(20);
  });

  it('follows references one level deep, within scope, and never to another patient', async () => {
    const world = exportWorld({ scope: 'patient/Observation.rs patient/Patient.rs patient/Practitioner.r' });
    world.answerWith(({ path }) => {
      if (path.startsWith('/Patient?')) return pageOf([memberPatient]);
      if (path.startsWith('/Practitioner/gone')) return { status: 404 };
      if (path.startsWith('/Practitioner/')) {
        const id = path.slice('/Practitioner/'.length);
        return fhir({
          resourceType: 'Practitioner',
          id,
          qualification: [{ issuer: { reference: 'Practitioner/deeper' } }],
        });
      }
      return pageOf([
        observation(1, {
          performer: [
            { reference: 'Practitioner/one' },
            { reference: `${world.base}/Practitioner/two/_history/3` },
            { reference: 'Practitioner/gone' },
            { reference: 'Organization/out-of-scope' },
            { reference: 'https://elsewhere.example/Practitioner/three' },
            { reference: 'Patient/somebody' },
          ],
        }),
      ]);
    });

    await world.run();

    const { resources, errors, manifest } = await world.record();
    expect(resources['Practitioner']!.map(({ id }) => id)).toEqual(['one', 'two']);
    expect(world.asked.map(({ path }) => path).filter((path) => /^\/(?:Organization|Patient\/)/.test(path))).toEqual(
      [],
    );
    expect(errors).toContain(
      'Practitioner/gone, which the record refers to, could not be read: the payer answered with status 404.',
    );
    // A resource that the payer does not have does not count as missing.
    expect(manifest.outcomes.find(({ type }) => type === 'Practitioner')).toMatchObject({
      outcome: 'complete',
      count: 2,
    });
  });

  it('has the time of the payer, as it was when it was first asked', async () => {
    const world = exportWorld();
    let page = 0;
    world.answerWith(async () => {
      page += 1;
      const date = `Thu, 01 Jan 2026 1${page}:00:00 GMT`;
      await world.durable.sleep(25_000);
      const { body } = pageOf([observation(page)], page < 3 ? `${world.base}?page=${page + 1}` : undefined);
      return { headers: { 'content-type': 'application/fhir+json', date }, body: body! };
    });

    await world.run();

    expect(world.lines.filter((line) => line.includes('"next"'))).toHaveLength(3);
    expect((await world.record()).manifest.transactionTime).toBe('2026-01-01T10:59:35.000Z');
  });

  it('has a time an hour before the kick-off if the payer tells none, since our clock may be ahead of it', async () => {
    const world = exportWorld({ startMs: Date.parse('2026-01-01T10:00:00Z') });
    world.answerWith(async () => {
      await world.durable.sleep(25_000);
      return pageOf([memberPatient]);
    });

    await world.run();

    expect((await world.record()).manifest.transactionTime).toBe('2026-01-01T09:00:00.000Z');
  });

  it('makes the URL of an attachment absolute if it is a Binary of the payer', async () => {
    const document = { resourceType: 'DocumentReference', id: 'd', content: [{ attachment: { url: 'Binary/1' } }] };
    const world = exportWorld({ payer: () => pageOf([memberPatient, document]) });

    await world.run();

    const { errors, lines } = await world.record();
    expect(lines.join('\n')).toContain('"attachment":{"url":"http://localhost:3000/r4/northwind/Binary/1"}');
    expect(errors).toEqual([]);
  });

  it.each([
    'https://elsewhere.example/scan.pdf',
    'https://fhir.northwind.example/r4/DocumentReference/d/$content',
    'DocumentReference/d/$content',
  ])('reports an attachment that the gateway does not serve and leaves its URL alone: %s', async (url) => {
    const world = exportWorld({
      payer: () =>
        pageOf([memberPatient, { resourceType: 'DocumentReference', id: 'd', content: [{ attachment: { url } }] }]),
      profile: { fhirBaseUrl: 'https://fhir.northwind.example/r4' },
    });

    await world.run();

    const { errors, lines } = await world.record();
    expect(lines.join('\n')).toContain(url);
    expect(errors).toEqual([
      'DocumentReference/d has an attachment that the gateway does not serve. Do not send your access token to its URL.',
    ]);
    expect(await world.item()).toMatchObject({ status: 'completed' });
  });
});
