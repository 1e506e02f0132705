import { createPrivateKey } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { unpaced } from '../../sandbox/aws/proxy-response.ts';
import { readLines, readStatus, type Manifest, type Send } from '../../sandbox/partner/exports.ts';
import { generatedMember, generatedMembers } from '../../sandbox/payer/exchange/generated.ts';
import { newPlanKey } from '../../sandbox/sign-in/demo-partner-key.ts';
import { startLocalStack } from '../../sandbox/stack.ts';
import { numbersFrom } from '../fuzz/json-documents.ts';
import { assertionOf, bundleOf, parametersOf, tokenForm } from '../support/new-plan.ts';
import { recordOf } from './record.ts';
import { differences, startExportStack } from './stack.ts';
import { awkward, checkExport, isWhole, longestMs, seed } from './trouble.ts';

const manyResources = isWhole ? 50_000 : 3000;

it(
  'an export is whole after kills at random times, throttling, refused tokens, a restart of the payer and a deployment',
  async () => {
    const many = await startExportStack({
      record: recordOf(manyResources, { attachments: [20_000_000, 70_000, 9_000_000] }),
      pageMs: 20,
    });
    const killer = { isDone: false };
    try {
      const { stack, payer } = many;
      payer.trouble(awkward(payer, 12));
      const random = numbersFrom(seed);
      const one = await many.begin();
      let kills = 0;
      const killing = (async () => {
        while (!killer.isDone) {
          await sleep(1500 + random(isWhole ? 6000 : 1500));
          for (const pid of stack.pids()['exportJob'] ?? []) {
            process.kill(pid, 'SIGKILL');
            kills += 1;
          }
        }
      })();
      const between = (async () => {
        await sleep(3000);
        await payer.restart(1500);
        await stack.durable.newVersion('exportJob');
      })();
      await checkExport(one, many).finally(() => (killer.isDone = true));
      await Promise.all([killing, between]);
      const { invocations, operations } = stack.durable.executions().find(({ name }) => name === one.exportId)!;
      process.stdout.write(
        `exports: ${manyResources} resources, ${kills} random kills (seed ${seed}), ${invocations} invocations, ${operations} operations\n`,
      );
      expect(kills).toBeGreaterThan(0);
    } finally {
      await many.close();
    }
  },
  longestMs,
);

/** A match has at most 1,000 members. */
const [manyMembers, ofMatch, mostKills] = isWhole ? [10_000, 1000, 40] : [60, 30, 4];

it(
  `exchanges over ${manyMembers} members are whole after kills at ${mostKills} random times`,
  async () => {
    const generated = { members: manyMembers, readings: 10, readingBytes: 2000 };
    const stack = await startLocalStack({
      ports: 'free',
      pace: unpaced,
      formerPlan: { generated, linesPerFile: 5000, pace: { latencyMs: 20, bytesPerSecond: 10e6 } },
    });
    const base = `${stack.origin}/r4/demo-health-plan`;
    const plan = `${stack.urls.demoHealthPlan}/r4`;
    const askToken = async (): Promise<string> => {
      const { kid, privateKey } = newPlanKey();
      const url = `${stack.origin}/oauth2/token`;
      const assertion = await assertionOf('new-plan', url, { kid, privateKey: createPrivateKey(privateKey) });
      const body = new URLSearchParams({ ...tokenForm(assertion, 'system/*.rs'), resource: base });
      const answer = (await (await fetch(url, { method: 'POST', body })).json()) as { readonly access_token: string };
      return answer.access_token;
    };
    const request = async (url: string, init: RequestInit): Promise<Response> => {
      for (;;) {
        const headers = new Headers(init.headers);
        headers.set('content-type', 'application/fhir+json');
        headers.set('prefer', 'respond-async');
        headers.set('authorization', `Bearer ${await askToken()}`);
        const answer = await fetch(url, { ...init, headers });
        if (answer.status !== 503) return answer;
        await answer.body?.cancel();
        await sleep(200);
      }
    };
    const send: Send = (url, init) => request(url, init as RequestInit);
    /** Sends a request, and polls to its end. */
    const endOf = async (url: string, init: RequestInit = {}): Promise<Manifest> => {
      const location = (await request(url, init)).headers.get('content-location') ?? '';
      for (;;) {
        const status = await readStatus(location, send);
        if (status.done) return status.manifest;
        await sleep(300);
        if ((stack.pids()['exportJob'] ?? []).length === 0) stack.durable.passTime(40_000);
      }
    };
    const linesOf = async ({ output }: Manifest): Promise<string[]> => {
      const lines: string[] = [];
      for (const file of output) for await (const line of readLines(file, send)) lines.push(line);
      return lines;
    };
    const random = numbersFrom(seed);
    const killer = { isDone: false, kills: 0 };
    const killing = (async () => {
      while (!killer.isDone && killer.kills < mostKills) {
        await sleep(300 + random(isWhole ? 3000 : 1500));
        const pids = stack.pids()['exportJob'] ?? [];
        for (const pid of pids) process.kill(pid, 'SIGKILL');
        if (pids.length > 0) killer.kills += 1;
      }
    })();
    try {
      const startedAt = performance.now();
      let resources = 0;
      for (let from = 0; from < manyMembers; from += ofMatch) {
        const indexes = Array.from({ length: ofMatch }, (_, at) => from + at);
        const bundles = indexes.map((index) => bundleOf(generatedMember(index), `m-${index}`));
        const match = await endOf(`${base}/Group/$bulk-member-match`, {
          method: 'POST',
          body: JSON.stringify(parametersOf(bundles)),
        });
        const groups = (await linesOf(match)).map((line) => JSON.parse(line) as { id: string; member?: unknown[] });
        const group = groups.find(({ member = [] }) => member.length === ofMatch);
        const exported = await endOf(`${base}/Group/${group?.id}/$davinci-data-export`);

        const ids = indexes.map((index) => `generated-${String(index).padStart(5, '0')}`);
        const expected = new Map<string, string>();
        for (const [, source] of generatedMembers(generated, plan).lines(ids)) {
          for (let at = 0; at < source.count; at += 1) {
            const line = source.text(at);
            const { resourceType, id } = JSON.parse(line) as { resourceType: string; id: string };
            expected.set(`${resourceType}/${id}`, line.replaceAll(plan, base));
          }
        }
        const lines = (await linesOf(exported)).map((line) => line.replaceAll(plan, base));
        expect(differences(lines, expected)).toEqual([]);
        expect(exported.error).toEqual([]);
        resources += expected.size;
      }
      killer.isDone = true;
      await killing;
      const jobs = stack.durable.executions().filter(({ invocations }) => invocations > 0);
      const invocations = jobs.reduce((sum, one) => sum + one.invocations, 0);
      process.stdout.write(
        `exchanges: ${manyMembers} members, ${resources} resources, ${killer.kills} random kills (seed ${seed}), ${invocations} invocations, ${((performance.now() - startedAt) / 1000).toFixed(0)} s\n`,
      );
      expect(killer.kills).toBeGreaterThan(mostKills / 2);
    } finally {
      killer.isDone = true;
      await killing;
      await stack.close();
    }
  },
  longestMs,
);
