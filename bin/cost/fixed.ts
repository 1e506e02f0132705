/** What a stage costs a month that nobody uses. */
import type { Quantities } from './prices.ts';

const hours = 730;
/** The canary comes every five minutes and makes two requests of ours for each payer. */
const canaryRuns = (hours * 60) / 5;

/** Every two minutes; each reads an index that is nearly empty. */
const auditLooks = (hours * 60) / 2;

/** Of a stage with everything on. `test/docs/cost.test.ts` counts in the template what can be counted there. */
export const stageCounts = {
  keys: 2,
  /** CloudWatch bills an alarm for each metric that it looks at. */
  alarmMetrics: 38,
  /** An alarm that names payers looks at a metric of each. */
  alarmMetricsPerPayer: 2,
  secretsPerPayer: 1,
  /** What CloudFront shows the API. */
  secrets: 1,
  /**
   * At the API: that it is CloudFront, two of AWS's rule groups, long bodies. At the edge: the limit for each address, and
   * AWS's list of addresses.
   */
  webAcls: 2,
  webRules: 6,
  interfaceEndpoints: 1,
  /** Of the network, whatever the number of its zones. */
  addresses: 3,
  /**
   * At most, in a month in which everything happens: of requests (`functions/shared/record/metrics.ts`); of the audit and of
   * cut answers; and those that Lambda counts for each of two streams.
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
 * @param zones availability zones of its network
 */
export const fixedMonth = (payers: number, zones: number): readonly FixedLine[] => [
  { what: 'KMS keys (a rotated key costs the same again, twice at most)', quantities: { keyMonths: stageCounts.keys } },
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
    what: `\`network\` (${zones} zones): NAT gateway, and addresses for every zone`,
    quantities: { natHours: zones * hours, addressHours: stageCounts.addresses * hours },
  },
  {
    what: `\`network\` (${zones} zones): endpoint for Secrets Manager`,
    quantities: { endpointHours: zones * stageCounts.interfaceEndpoints * hours },
  },
];
