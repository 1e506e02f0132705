import { exportWorld, fhir, memberPatient, observation, pageOf, type PayerScript } from '../../support/export-world.ts';

const content = Buffer.from(Array.from({ length: 5000 }, (_, at) => at % 256));

const document = (id: string, ...urls: readonly string[]) => ({
  resourceType: 'DocumentReference',
  id,
  content: urls.map((url) => ({ attachment: { url, size: content.length } })),
});

const first = observation(1, { performer: [{ reference: 'Practitioner/p1' }] });

/**
 * Nine resources over three pages, two references and two attachments. The payer throttles once, ends three tokens (one of them
 * before the job gets it), and cuts off one page and one attachment.
 */
const awkwardPayer = (base: () => string): PayerScript => {
  let throttled = false;
  let failed = false;
  let broken = false;
  const ended = new Set<string>();
  return ({ path, token }) => {
    if (path.includes('page=2')) ended.add('Bearer token-1').add('Bearer token-2');
    if (path.includes('page=3') && token === 'Bearer token-3') ended.add(token);
    if (ended.has(token)) return { status: 401 };
    if (path === '/Binary/2' && !broken) {
      broken = true;
      return { bytes: content, cut: true };
    }
    if (path.startsWith('/Binary/')) return { bytes: content };
    if (path.startsWith('/Practitioner/')) return fhir({ resourceType: 'Practitioner', id: path.slice(14) });
    if (path.includes('page=3')) {
      if (!failed) {
        failed = true;
        return { ...pageOf([observation(5)]), cut: true };
      }
      return pageOf([observation(5), first, document('d1', 'Binary/1', 'Binary/2')], undefined, { total: 8 });
    }
    if (path.includes('page=2')) {
      return pageOf(
        [observation(3), observation(4, { performer: [{ reference: 'Practitioner/p2' }] }), document('d2', 'Binary/2')],
        `${base()}?page=3`,
      );
    }
    if (!throttled) {
      throttled = true;
      return { status: 429, headers: { 'retry-after': '90' } };
    }
    return pageOf([memberPatient, first, observation(2)], `${base()}?page=2`);
  };
};

const expected = ['Observation/o-1', 'Observation/o-2', 'Observation/o-3', 'Observation/o-4', 'Observation/o-5'];

const documents = ['DocumentReference/d1', 'DocumentReference/d2'];

const checkRecord = async (world: ReturnType<typeof exportWorld>): Promise<void> => {
  const last = world.durable.engine.executions().find(({ name }) => name === world.exportId)!;
  expect((await world.durable.finish(last.arn)).result).toEqual({ status: 'completed', resources: 10 });
  const { resources, errors, lines, attachments } = await world.record();
  const ids = Object.values(resources).flatMap((all) => all.map(({ resourceType, id }) => `${resourceType}/${id}`));
  const read = ids.filter((id) => !id.startsWith('Provenance/')).toSorted();
  expect(read).toEqual([...documents, ...expected, 'Patient/member-1', 'Practitioner/p1', 'Practitioner/p2']);
  const urls = lines.flatMap((line) => line.match(/attachment-\d/g) ?? []);
  expect([...new Set(urls)].toSorted()).toEqual([...attachments.keys()]);
  expect(urls).toHaveLength(3);
  expect([...attachments.values()].map(({ bytes }) => bytes)).toEqual([content, content]);
  expect(errors).toEqual([]);
  expect(await world.item()).toMatchObject({ status: 'completed', resources: 10 });
};

describe('nothing is lost and nothing doubled', () => {
  it('when a payer throttles, breaks off and refuses its token', async () => {
    const world = exportWorld();
    world.answerWith(awkwardPayer(() => world.base));

    await world.run();

    await checkRecord(world);
  });

  it('when the job was started twice: only the execution that began it goes on', async () => {
    const world = exportWorld();
    world.answerWith(awkwardPayer(() => world.base));
    await world.kickOff();
    const { engine } = world.durable;
    const names = [world.exportId, `${world.exportId}-1`];
    for (const name of names) world.durable.start('job', { exportId: world.exportId }, name);

    while (engine.executions().some(({ status }) => status === 'RUNNING')) {
      await world.untilItWaits();
      if ((await world.item())?.wanted !== undefined) await world.poll();
    }

    await checkRecord(world);
  });

  it.each([
    ['fails', 'onCall'],
    ['has its effect and its answer is lost', 'afterCall'],
  ] as const)('when the call of any dependency %s, whichever it is', async (_, moment) => {
    let calls = 0;
    /** Counts the calls that matter: a read has no effect, so if its answer is lost, that is a call that fails. */
    const count = (name: string): boolean => {
      if (moment === 'afterCall' && name === 'GetItemCommand') return false;
      calls += 1;
      return true;
    };
    const all = exportWorld({ [moment]: count });
    all.answerWith(awkwardPayer(() => all.base));
    await all.run();
    const made = calls;
    expect(made).toBeGreaterThan(40);

    for (let failing = 1; failing <= made; failing += 1) {
      calls = 0;
      const world = exportWorld({
        [moment]: (name: string) => {
          if (count(name) && calls === failing) throw new Error(`call ${failing} of ${name}`);
        },
      });
      world.answerWith(awkwardPayer(() => world.base));
      await world.run();
      await checkRecord(world);
    }
  });

  it('when the process is killed after any checkpoint', async () => {
    let checkpoints = 0;
    const all = exportWorld({ killAfter: () => (checkpoints += 1) < 0 });
    all.answerWith(awkwardPayer(() => all.base));
    await all.run();
    const made = checkpoints;
    expect(made).toBeGreaterThan(10);

    for (let killed = 1; killed <= made; killed += 1) {
      checkpoints = 0;
      const world = exportWorld({ killAfter: () => (checkpoints += 1) === killed });
      world.answerWith(awkwardPayer(() => world.base));
      await world.run();
      await checkRecord(world);
    }
  });

  it("of what an answer shows: beside another patient's, or where what it needs is missing behind what was read, what names nobody is not given, whichever came first, after any checkpoint", async () => {
    const aList = (id: string, ...items: readonly string[]) => ({
      resourceType: 'List',
      id,
      entry: items.map((reference) => ({ item: { reference } })),
    });
    const unnamed = { resourceType: 'List', id: 'unnamed' };
    const lacking = aList('unnamed', 'List/read');
    const other = observation('other', { subject: { reference: 'Patient/other' } });
    for (const [early, late] of [
      [unnamed, other],
      [other, unnamed],
      [lacking, observation(2)],
      [observation(2), lacking],
    ]) {
      /** Each page comes in a leg of its own. */
      const payer = (base: () => string): PayerScript => {
        const pages = [[memberPatient, early!], [observation(1)], [late!]];
        let isBusy = false;
        return ({ path }) => {
          isBusy = !isBusy;
          if (isBusy) return { status: 429, headers: { 'retry-after': '90' } };
          if (path === '/List/read') return fhir(aList('read', 'List/secret', 'List/unnamed'));
          if (path === '/List/secret') return { status: 403 };
          const at = Number(/page=(\d)/.exec(path)?.[1] ?? 0);
          return pageOf(pages[at]!, at < 2 ? `${base()}?page=${at + 1}` : undefined);
        };
      };
      let made = 1;
      for (let killed = 0; killed < made; killed += 1) {
        let checkpoints = 0;
        const world = exportWorld({ killAfter: () => (checkpoints += 1) === killed });
        world.answerWith(payer(() => world.base));
        await world.run();
        made = Math.max(made, checkpoints);

        const { resources } = await world.record();
        expect(Object.keys(resources).toSorted()).toEqual(['Observation', 'Patient', 'Provenance']);
      }
      expect(made).toBeGreaterThan(5);
    }
  });
});
