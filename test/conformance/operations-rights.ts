import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { synthesize } from '../../sandbox/aws/synth.ts';
import { localConfig } from './local-config.ts';
import { inProcesses, promises, type Requirement } from './requirement.ts';
import type { WorldTarget } from './target.ts';
import { walk } from './walk.ts';

interface Statement {
  readonly Effect: string;
  readonly Action?: string | readonly string[];
  readonly Resource?: unknown;
}
interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

/** The stack of a stage with a domain, as it would be deployed. */
const synthesizeStage = async ({ payers }: WorldTarget): Promise<readonly Resource[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  try {
    const { origin: _origin, ...config } = localConfig('https://gateway.example.org', payers.origin);
    const certificateArn = `arn:aws:acm:us-east-1:111122223333:certificate/${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}`;
    const domain = { name: 'gateway.example.org', certificateArn };
    const file = join(folder, 'stage.json');
    await writeFile(file, JSON.stringify({ ...config, region: 'us-east-1', account: '111122223333', domain }));
    const { template } = await synthesize(file, join(folder, 'cdk.out'));
    return Object.values(template.Resources as Readonly<Record<string, Resource>>);
  } finally {
    await rm(folder, { recursive: true });
  }
};

interface PolicyDocument {
  readonly Statement: readonly Statement[];
}

let synthesized: Promise<readonly Resource[]> | undefined;
const synthesizeWithDomain = (target: WorldTarget): Promise<readonly Resource[]> =>
  (synthesized ??= synthesizeStage(target));

/** A role's own policies, inline or separate. */
const statementsOf = ({ Properties = {} }: Resource): readonly Statement[] => {
  const inRole = (Properties['Policies'] ?? []) as readonly { readonly PolicyDocument: PolicyDocument }[];
  const documents = [
    Properties['PolicyDocument'] as PolicyDocument | undefined,
    ...inRole.map((one) => one.PolicyDocument),
  ];
  return documents.flatMap((document) => document?.Statement ?? []);
};

/** Actions for which AWS accepts no resource but `*`: the two of X-Ray. */
const withoutResource = new Set(['xray:PutTraceSegments', 'xray:PutTelemetryRecords']);

/** What functions may do. */
export const rights: readonly Requirement[] = promises({
  'AWS Well-Architected SEC03-BP02: gives functions no wildcard action, and a wildcard resource only if AWS allows no other':
    inProcesses(async (target) => {
      const resources = await synthesizeWithDomain(target);
      const statements = resources
        .filter(({ Type }) => /^AWS::IAM::(?:ManagedPolicy|Policy|Role)$/.test(Type))
        .flatMap(statementsOf);
      expect(statements.length).toBeGreaterThan(5);
      for (const { Effect, Action, Resource: on } of statements.filter(({ Effect: effect }) => effect === 'Allow')) {
        const actions = [Action ?? []].flat();
        expect([Effect, actions.filter((action) => action.includes('*'))]).toEqual(['Allow', []]);
        if (!actions.every((action) => withoutResource.has(action))) expect([on].flat()).not.toContain('*');
      }
    }),
  'AWS Well-Architected SEC05-BP02: leaves no way around a custom domain: the default endpoint is off': inProcesses(
    async (target) => {
      const resources = await synthesizeWithDomain(target);
      const apis = resources.filter(({ Type }) => Type === 'AWS::ApiGateway::RestApi');
      expect(apis.map(({ Properties }) => Properties?.['DisableExecuteApiEndpoint'])).toEqual([true]);
    },
  ),
  'AWS Well-Architected SEC03-BP02: lets each function use only its own tables and secrets': inProcesses(
    async (target) => {
      target.cloud.clearCalls();
      await walk(target);
      await fetch(`${target.origin}/r4/clear-health/metadata`);
      const { loginAttempts = '', grants = '', auditEvents = '', limits = '', registry = '' } = target.tables;
      const secret = 'p2p/conformance/payers/clear-health';
      const { memberIndex = '' } = target.cloud.keys;
      const own: Readonly<Record<string, readonly string[]>> = {
        authorize: [loginAttempts, registry],
        callback: [loginAttempts, grants, registry, secret, memberIndex],
        token: [grants, registry, secret],
        fetch: [grants, auditEvents, limits, registry, secret],
        discovery: [registry],
      };
      for (const [name, resources] of Object.entries(own)) {
        const touched = target.cloud.calls().filter((call) => call.function === name);
        expect([name, touched.filter(({ resource }) => !resources.includes(resource))]).toEqual([name, []]);
        // A secret is read only every five minutes and an entry every twenty seconds, and a leased share of the rate lasts
        // for further reads.
        const seldom = new Set([secret, limits, registry]);
        const tables = resources.filter((resource) => !seldom.has(resource));
        expect(touched.map(({ resource }) => resource)).toEqual(expect.arrayContaining(tables));
      }
    },
  ),
});
