import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadStage } from '../../config/checks/load.ts';
import type { StageConfig } from '../../config/stage.ts';
import { readAssembly, type Template } from '../shared/assembly.ts';
import { readCommand } from '../shared/command-line.ts';
import { dayOf } from '../shared/day.ts';
import { makeFolder, requireEmpty } from '../shared/folders.ts';
import { markdownTable } from '../shared/markdown-table.ts';
import type { Output } from '../shared/output.ts';
import { criteria } from './criteria.ts';
import { spec } from './flags.ts';
import { eligibleServices, hasHealthData, listedOn, servicesOf, type Service } from './services.ts';
import { answerOf, pathOf, settings, type Answer } from './settings.ts';

/** What the tool needs that tests replace. */
export interface EvidenceDeps {
  readonly output: Pick<Output, 'out' | 'note'>;
  readonly nowMs: number;
  /** Writes the stage's assembly into a folder. @throws Error if the stage cannot be synthesized */
  readonly synthesize: (stage: string, folder: string) => Promise<void>;
  /** npm's bill of materials, CycloneDX. */
  readonly sbom: () => Promise<string>;
}

/** `holds for 6` or `**does not hold** for Tables/Grants`. */
const inWords = ({ what, holding, missing }: Answer): string => {
  if (missing.length > 0) return `${what}: **not** ${missing.join(', ')}`;
  return holding.length === 0 ? `${what}: the stage has none` : `${what}: all ${holding.length}`;
};

const controlsPage = (template: Template): string =>
  [
    '# Criteria',
    'What the template has was read from it. The tests are in the release that was deployed; a query shows the stage that runs.',
    markdownTable(
      ['criterion', 'asks for', 'what the template has', 'tests', 'query'],
      criteria.map(({ id, asks, settings: names, tests, query, note }) => [
        id,
        asks,
        names.map((name) => inWords(answerOf(settings[name], template))).join('<br>') ||
          (note ?? 'nothing: the code has it'),
        tests.map((test) => `\`${test}\``).join('<br>'),
        query === undefined ? '' : `\`${query}\``,
      ]),
    ),
  ].join('\n\n');

const inDays = (days: number): string => `${days} ${days === 1 ? 'day' : 'days'}`;

type Resource = Template['Resources'][string];

/** The days after which a bucket's lifecycle deletes or hides an object. */
const daysInBucket = (bucket: Resource | undefined): number => {
  const { Rules: rules = [] } = (bucket?.Properties?.['LifecycleConfiguration'] ?? {}) as {
    Rules?: { ExpirationInDays?: number }[];
  };
  return Math.max(...rules.map(({ ExpirationInDays: one = 0 }) => one));
};

/** The days of the bucket with a lock: its lifecycle removes an object the day after. */
const auditDays = (buckets: readonly Resource[]): string => {
  const audit = buckets.find(({ Properties }) => Properties?.['ObjectLockConfiguration'] !== undefined);
  const isLocked = JSON.stringify(audit?.Properties?.['ObjectLockConfiguration']).includes('COMPLIANCE');
  return `${inDays(daysInBucket(audit) - 1)}, ${isLocked ? 'all of them locked' : 'locked for a day'}`;
};

/** Of the buckets, only that of exports' files keeps no versions. */
const exportFileDays = (promised: number, buckets: readonly Resource[]): string => {
  const files = buckets.find(({ Properties }) => Properties?.['VersioningConfiguration'] === undefined);
  return (
    `${inDays(promised)} after the export's end; then unreadable, and deleted by a sweep. What it misses, S3 deletes ` +
    `${inDays(daysInBucket(files))} after it was written, at the next midnight UTC or some time later`
  );
};

const retentionPage = ({ retention }: StageConfig, { Resources }: Template): string => {
  const of = (type: string) => Object.values(Resources).filter(({ Type }) => Type === type);
  const distinct = (values: readonly unknown[]): string => [...new Set(values.map(String))].sort().join(', ');
  const queues = of('AWS::SQS::Queue').map(({ Properties }) =>
    inDays(Number(Properties?.['MessageRetentionPeriod']) / 86_400),
  );
  const durable = Object.entries(Resources).flatMap(([id, resource]) => {
    const { RetentionPeriodInDays: days } = (resource.Properties?.['DurableConfig'] ?? {}) as {
      RetentionPeriodInDays?: number;
    };
    return days === undefined ? [] : [`${pathOf(id, resource).replace(/\/Function$/, '')} ${inDays(days)}`];
  });
  const kept = {
    auditDays: ['audit events', auditDays(of('AWS::S3::Bucket'))],
    logDays: [
      'logs',
      distinct(of('AWS::Logs::LogGroup').map(({ Properties }) => inDays(Number(Properties?.['RetentionInDays'])))),
    ],
    exportFileDays: ['files of exports', exportFileDays(retention.exportFileDays, of('AWS::S3::Bucket'))],
  } satisfies Record<keyof StageConfig['retention'], readonly string[]>;
  return [
    '# What is kept, and how long',
    markdownTable(
      ['what', 'how long'],
      [
        kept.auditDays,
        ['who accessed the audit', 'as long as the audit'],
        kept.logDays,
        kept.exportFileDays,
        ['events that Lambda gave up', distinct(queues)],
        ['what durable executions did', distinct(durable)],
        ["tables' earlier states", '35 days'],
      ],
    ),
  ].join('\n\n');
};

const isUnlisted = (service: Service): boolean => hasHealthData(service) && service.listed === undefined;

const eligible = (service: Service): string => {
  if (isUnlisted(service)) return '**not on the list**';
  return service.listed === undefined ? 'not on the list, and not needed' : `yes: \`${service.listed}\``;
};

const servicesPage = (used: readonly Service[]): string =>
  [
    '# AWS services',
    `Health data may pass only through [services that AWS lists as HIPAA eligible](${eligibleServices}). The entries are those of that page, "Last Updated: ${listedOn}". AWS changes it: verify each on your date, and that your agreement with AWS covers the account.`,
    "The services are those that the template's resources, rights, endpoints and ARNs name.",
    markdownTable(
      ['service', 'health data', 'HIPAA eligible'],
      used.map((service) => [service.name, service.healthData, eligible(service)]),
    ),
  ].join('\n\n');

const indexPage = (stage: string, date: string, digest: string, failing: readonly string[]): string =>
  [
    `# Evidence for stage ${stage}, ${date}`,
    failing.length === 0 ? 'Every setting holds.' : `**Settings that do not hold:** ${failing.join('; ')}.`,
    [
      '- [controls.md](controls.md): criteria of HIPAA and SOC 2, and what shows each',
      '- [retention.md](retention.md): what is kept, and how long',
      '- [services.md](services.md): AWS services, and what passes through them',
      `- [template.json](template.json): the template, SHA-256 \`${digest}\``,
      '- [sbom.cdx.json](sbom.cdx.json): the bill of materials, CycloneDX',
    ].join('\n'),
    "It was made from the stage's file and code, not from the account. To compare with what is deployed: `npx cdk diff -c stage=NAME`.",
  ].join('\n\n');

/**
 * The files of the folder, by name, and the settings that do not hold.
 * @throws Refusal if the template has a service that nobody has judged
 */
export const evidenceOf = (
  config: StageConfig,
  template: Template,
  date: string,
): { readonly files: Readonly<Record<string, string>>; readonly failing: readonly string[] } => {
  const text = `${JSON.stringify(template, undefined, 1)}\n`;
  const used = servicesOf(template);
  const failing = [
    ...Object.values(settings)
      .map((setting) => answerOf(setting, template))
      .filter(({ missing }) => missing.length > 0)
      .map(inWords),
    ...used.filter(isUnlisted).map(({ name }) => `health data passes only eligible services: **not** ${name}`),
  ];
  const digest = createHash('sha256').update(text).digest('hex');
  const pages = {
    'README.md': indexPage(config.stage, date, digest, failing),
    'controls.md': controlsPage(template).replaceAll('NAME', config.stage),
    'retention.md': retentionPage(config, template),
    'services.md': servicesPage(used),
  };
  return {
    files: {
      ...Object.fromEntries(Object.entries(pages).map(([name, page]) => [name, `${page}\n`])),
      'template.json': text,
    },
    failing,
  };
};

/**
 * Writes what an auditor files about a stage.
 * @returns the exit code: 1 if a setting does not hold
 * @throws UsageError, Refusal, ConfigError
 */
export const evidence = async (args: readonly string[], deps: EvidenceDeps): Promise<number> => {
  const { stage, out, dryRun } = readCommand(spec, args);
  await requireEmpty(out);
  const config = await loadStage(stage);
  // Before the synthesis, which takes a minute.
  const made = dryRun ? undefined : await makeFolder(out);
  const assembly = await mkdtemp(join(tmpdir(), 'evidence-'));
  try {
    await deps.synthesize(stage, assembly);
    const { template } = await readAssembly(assembly);
    const { files, failing } = evidenceOf(config, template, dayOf(deps.nowMs));
    const all = { ...files, 'sbom.cdx.json': await deps.sbom() };
    if (!dryRun) {
      for (const [name, text] of Object.entries(all)) await writeFile(join(out, name), text);
    }
    deps.output.out(
      `${dryRun ? 'Would write' : 'Wrote'} ${Object.keys(all).length} files about stage ${stage} into ${out}.`,
    );
    for (const line of failing) deps.output.note(`Does not hold: ${line}`);
    return failing.length === 0 ? 0 : 1;
  } catch (error) {
    if (made !== undefined) await rm(made, { recursive: true });
    throw error;
  } finally {
    await rm(assembly, { recursive: true, force: true });
  }
};
