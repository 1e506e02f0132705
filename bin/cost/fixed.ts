/** What an idle stage costs per month. */
import type { Quantities } from './prices.ts';

const hours = 730;
/** The canary runs every five minutes and makes two requests to the gateway for each payer. */
const canaryRuns = (hours * 60) / 5;

/** Runs of the audit's search: every two minutes, each reading an index that is nearly empty. */
const auditLooks = (hours * 60) / 2;

/** Counts for a stage with everything on. `test/docs/stack.test.ts` checks those that the template shows. */
export const stageCounts = {
  keys: 2,
  /** CloudWatch bills an alarm for each metric that it uses. */
  alarmMetrics: 38,
  /** An alarm that names payers uses one metric of each. */
  alarmMetricsPerPayer: 2,
  secretsPerPayer: 1,
  /** The secret that CloudFront sends to the API. */
  secrets: 1,
  /**
   * At the API: only CloudFront, two of AWS's rule groups, long bodies. At the edge: the limit per address, and AWS's
   * list of addresses.
   */
  webAcls: 2,
  webRules: 6,
  interfaceEndpoints: 1,
  /** The network's addresses, whatever the number of its zones. */
  addresses: 3,
  /**
   * At most, in a month in which everything happens: metrics of requests (`functions/shared/record/metrics.ts`), of the
   * audit and of cut answers, and those that Lambda counts for each of two streams.
   */
  metrics: 43 + 3 + 2 * 7,
  metricsPerPayer: 36,
} as const;

/** A line of the monthly bill. */
export interface FixedLine {
  readonly what: string;
  readonly quantities: Quantities;
}

/**
 * @param payers how many the stage has
 * @param zones how many availability zones its network has
 */
export const fixedMonth = (payers: number, zones: number): readonly FixedLine[] => [
  {
    what: 'KMS keys (each of the first two rotations adds this cost again)',
    quantities: { keyMonths: stageCounts.keys },
  },
  { what: '`edge`: secret', quantities: { secretMonths: stageCounts.secrets } },
  { what: 'Alarms of the stage', quantities: { alarmMonths: stageCounts.alarmMetrics } },
  { what: 'Metrics of the stage, at most', quantities: { metricMonths: stageCounts.metrics } },
  {
    what: "The audit's search for reads without an end",
    quantities: { lambdaRequests: auditLooks, lambdaGbSeconds: auditLooks * 0.1, tableReads: auditLooks },
  },
  { what: 'Dashboard', quantities: { dashboardMonths: 1 } },
  {
    what: `Payers (${payers}): secret and alarms`,
    quantities: {
      secretMonths: payers * stageCounts.secretsPerPayer,
      alarmMonths: payers * stageCounts.alarmMetricsPerPayer,
    },
  },
  {
    what: `Payers (${payers}): metrics, at most`,
    quantities: { metricMonths: payers * stageCounts.metricsPerPayer },
  },
  {
    what: `Payers (${payers}): the canary's requests`,
    quantities: {
      apiRequests: payers * 2 * canaryRuns,
      webRequests: payers * 4 * canaryRuns,
      edgeRequests: payers * 2 * canaryRuns,
      edgeFunctionRequests: payers * 2 * canaryRuns,
      lambdaRequests: (payers * 2 + 1) * canaryRuns,
      lambdaGbSeconds: (payers * 2 + 1) * canaryRuns,
      tableWrites: payers * canaryRuns,
      traces: (payers * 2 + 1) * canaryRuns,
    },
  },
  {
    what: '`waf`: web ACLs and their rules',
    quantities: { webAclMonths: stageCounts.webAcls, webRuleMonths: stageCounts.webRules },
  },
  {
    what: `\`network\` (${zones} zones): NAT gateway and its addresses`,
    quantities: { natHours: zones * hours, addressHours: stageCounts.addresses * hours },
  },
  {
    what: `\`network\` (${zones} zones): endpoint for Secrets Manager`,
    quantities: { endpointHours: zones * stageCounts.interfaceEndpoints * hours },
  },
];
