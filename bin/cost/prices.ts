/** AWS's list prices in us-east-1, on demand, without free tiers and without what a contract takes off. */

/** When these were the published prices. They change: check them before you budget. */
export const pricesKnownFor = 'December 2025';

/** What is paid for a number of units. */
export interface Price {
  readonly usd: number;
  readonly per: number;
  readonly unit: string;
  /** The name of AWS's pricing page, and of its section where it has several. */
  readonly page: string;
}

const million = 1_000_000;

/** By the name that quantities use. */
export const prices = {
  apiRequests: { usd: 3.5, per: million, unit: 'requests', page: 'Amazon API Gateway, REST APIs' },
  lambdaRequests: { usd: 0.2, per: million, unit: 'requests', page: 'AWS Lambda' },
  lambdaGbSeconds: { usd: 13.3334, per: million, unit: 'GB-seconds (arm64)', page: 'AWS Lambda' },
  tableWrites: { usd: 0.625, per: million, unit: 'write request units', page: 'Amazon DynamoDB, on-demand' },
  tableReads: { usd: 0.125, per: million, unit: 'read request units', page: 'Amazon DynamoDB, on-demand' },
  tableGbMonths: { usd: 0.25 + 0.2, per: 1, unit: 'GB-months with PITR', page: 'Amazon DynamoDB, on-demand' },
  objectWrites: { usd: 5, per: million, unit: 'PUT requests', page: 'Amazon S3, Standard' },
  objectGbMonths: { usd: 0.023, per: 1, unit: 'GB-months', page: 'Amazon S3, Standard' },
  logGb: { usd: 0.5, per: 1, unit: 'GB taken in', page: 'Amazon CloudWatch, Logs' },
  logGbMonths: { usd: 0.03, per: 1, unit: 'GB-months', page: 'Amazon CloudWatch, Logs' },
  metricMonths: { usd: 0.3, per: 1, unit: 'metric-months', page: 'Amazon CloudWatch, Metrics' },
  alarmMonths: { usd: 0.1, per: 1, unit: 'alarm-metric-months', page: 'Amazon CloudWatch, Alarms' },
  dashboardMonths: { usd: 3, per: 1, unit: 'dashboard-months', page: 'Amazon CloudWatch, Dashboards' },
  traces: { usd: 5, per: million, unit: 'traces', page: 'AWS X-Ray' },
  secretReads: { usd: 5, per: million, unit: 'calls', page: 'AWS Secrets Manager' },
  secretMonths: { usd: 0.4, per: 1, unit: 'secret-months', page: 'AWS Secrets Manager' },
  keyMonths: { usd: 1, per: 1, unit: 'key-months', page: 'AWS Key Management Service' },
  webAclMonths: { usd: 5, per: 1, unit: 'web-ACL-months', page: 'AWS WAF' },
  webRuleMonths: { usd: 1, per: 1, unit: 'rule-months', page: 'AWS WAF' },
  webRequests: { usd: 0.6, per: million, unit: 'requests', page: 'AWS WAF' },
  edgeRequests: { usd: 1, per: million, unit: 'HTTPS requests', page: 'Amazon CloudFront' },
  edgeFunctionRequests: { usd: 0.6, per: million, unit: 'requests', page: 'AWS Lambda, Lambda@Edge' },
  edgeGb: { usd: 0.085, per: 1, unit: 'GB out to the internet', page: 'Amazon CloudFront' },
  natHours: { usd: 0.045, per: 1, unit: 'hours and zones', page: 'Amazon VPC, NAT gateway' },
  natGb: { usd: 0.045, per: 1, unit: 'GB processed', page: 'Amazon VPC, NAT gateway' },
  addressHours: { usd: 0.005, per: 1, unit: 'hours and addresses', page: 'Amazon VPC, public IPv4 address' },
  endpointHours: { usd: 0.01, per: 1, unit: 'hours and zones', page: 'AWS PrivateLink' },
} as const satisfies Readonly<Record<string, Price>>;

export type PriceName = keyof typeof prices;

/** How many units of what. */
export type Quantities = Readonly<Partial<Record<PriceName, number>>>;

/** Dollars of one line. */
export const dollars = (name: PriceName, quantity: number): number => (quantity * prices[name].usd) / prices[name].per;

/** Quantities added up, each as often as it is said. */
export const addUp = (...parts: readonly (readonly [times: number, of: Quantities])[]): Quantities => {
  const sum: Partial<Record<PriceName, number>> = {};
  for (const [times, of] of parts) {
    for (const [name, quantity] of Object.entries(of) as [PriceName, number][]) {
      sum[name] = (sum[name] ?? 0) + times * quantity;
    }
  }
  return sum;
};
