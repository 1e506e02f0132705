/** What an idle stage costs per month. */
import type { Quantities } from './prices.ts';
import { addUp } from './prices.ts';
import type { StageSize } from './stage-size.ts';
import { canaryRun, registryGb } from './usage.ts';

const hours = 730;
const canaryRuns = (hours * 60) / 5;

/** Runs of the audit's search: every two minutes, each reading an index that is nearly empty. */
const auditLooks = (hours * 60) / 2;

/** Counts that are the same for every stage. `test/docs/stack.test.ts` checks those that the template shows. */
export const stageCounts = {
  /** CloudWatch bills an alarm for each metric that it uses. */
  alarmMetrics: 114,
  /** The metrics of an edge's alarms, and what alarms use more in a stage with exchanges. */
  edgeAlarmMetrics: 5,
  exchangeAlarmMetrics: 2,
  /** An alarm that names payers uses one metric of each that fails. */
  alarmMetricsPerFailingPayer: 1,
  /** In each zone of a network that the stack makes. */
  interfaceEndpoints: 3,
  /** That network's addresses, however many zones it has. */
  addresses: 3,
  /**
   * Metrics of requests, at most, in a month in which everything happens. `test/functions/shared/metrics/metrics.test.ts` counts
   * them.
   */
  requestMetrics: 70,
  /**
   * The other metrics, at most: of the canary, the audit and cut answers, of exports and events (`exports` by outcome, two of their
   * sizes, what was not followed up), and those that Lambda counts for each of five streams.
   */
  otherMetrics: 4 + 6 + 5 * 7,
} as const;

/** A payer has metrics only in the hours in which it fails. We assume one hour in fifty, and three metrics. */
const failingShare = 1 / 50;
const metricsOfFailingPayer = 3;

/** A line of the monthly bill. */
export interface FixedLine {
  readonly what: string;
  readonly quantities: Quantities;
}

/** The bill of a stage that no partner uses. */
export const fixedMonth = ({
  payers,
  partners,
  secrets,
  exchangeKeys,
  exchangeTables,
  zones,
  keys,
  distributions,
  originSecrets,
  webAcls,
}: StageSize): readonly FixedLine[] => [
  {
    what: 'KMS keys (each of the first two rotations of four of them adds its cost again)',
    quantities: { keyMonths: keys },
  },
  { what: '`edge`: secrets', quantities: { secretMonths: originSecrets } },
  {
    what: 'Alarms',
    quantities: {
      alarmMonths:
        stageCounts.alarmMetrics +
        distributions * stageCounts.edgeAlarmMetrics +
        exchangeTables * stageCounts.exchangeAlarmMetrics,
    },
  },
  {
    what: 'Metrics of the stage, at most',
    quantities: { metricMonths: stageCounts.requestMetrics + stageCounts.otherMetrics },
  },
  {
    what: "The audit's search for reads without an end",
    quantities: { lambdaRequests: auditLooks, lambdaGbSeconds: auditLooks * 0.1, tableReads: auditLooks },
  },
  { what: 'Dashboard, without its tables', quantities: { dashboardMonths: 1 } },
  { what: "Payers' secrets", quantities: { secretMonths: secrets + exchangeKeys } },
  {
    what: 'Metrics and alarms of payers that fail (assumed: 2 % of the time)',
    quantities: {
      metricMonths: payers * failingShare * metricsOfFailingPayer,
      alarmMonths: payers * failingShare * stageCounts.alarmMetricsPerFailingPayer,
    },
  },
  {
    what: 'The canary, every five minutes',
    quantities: addUp([canaryRuns, canaryRun(payers)]),
  },
  { what: 'Registry', quantities: { tableGbMonths: registryGb(payers, partners) } },
  {
    what: '`waf`: web ACLs and their rules',
    quantities: { webAclMonths: webAcls.length, webRuleMonths: webAcls.reduce((sum, rules) => sum + rules, 0) },
  },
  {
    what: '`network`: NAT gateway and its addresses',
    quantities: { natHours: zones * hours, addressHours: zones === 0 ? 0 : stageCounts.addresses * hours },
  },
  {
    what: '`network`: endpoints for Secrets Manager, KMS and Lambda',
    quantities: { endpointHours: zones * stageCounts.interfaceEndpoints * hours },
  },
];
