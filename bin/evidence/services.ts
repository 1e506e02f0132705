/** The AWS services of a stage, what health data passes through each, and whether AWS names it as HIPAA eligible. */
import type { Template } from '../shared/assembly.ts';
import { Refusal } from '../shared/errors.ts';

export interface Service {
  readonly name: string;
  readonly healthData: string;
  /** Its entry in AWS's list; omitted if it has none. */
  readonly listed?: string;
}

/** AWS's own list. */
export const eligibleServices = 'https://aws.amazon.com/compliance/hipaa-eligible-services-reference/';
/** The date on AWS's page when the entries below were read. */
export const listedOn = 'July 16, 2021';

const passes = 'passes through, unstored';

const services: Readonly<Record<string, Service>> = {
  ApiGateway: { name: 'API Gateway', healthData: passes, listed: 'Amazon API Gateway' },
  CertificateManager: { name: 'Certificate Manager', healthData: 'none', listed: 'AWS Certificate Manager' },
  CloudFormation: { name: 'CloudFormation', healthData: 'none', listed: 'AWS CloudFormation' },
  CloudFront: {
    name: 'CloudFront and Lambda@Edge',
    healthData: passes,
    listed: 'Amazon CloudFront [including Lambda@Edge]',
  },
  CloudWatch: { name: 'CloudWatch', healthData: 'none: figures and names of payers', listed: 'Amazon CloudWatch' },
  DynamoDB: {
    name: 'DynamoDB',
    healthData: "patients' ids; payers' tokens and, with exchanges, members' demographics, sealed",
    listed: 'Amazon DynamoDB',
  },
  EC2: {
    name: 'EC2 (VPC)',
    healthData: 'passes through, encrypted by TLS',
    listed: 'Amazon Virtual Private Cloud (VPC)',
  },
  Events: {
    name: 'EventBridge',
    healthData: 'none: schedules',
    listed: 'Amazon CloudWatch Events [including Amazon EventBridge]',
  },
  IAM: { name: 'IAM', healthData: 'none' },
  KMS: { name: 'KMS', healthData: 'none: keys', listed: 'AWS Key Management Service' },
  Lambda: { name: 'Lambda', healthData: passes, listed: 'AWS Lambda' },
  Logs: { name: 'CloudWatch Logs', healthData: 'none; addresses of callers', listed: 'Amazon CloudWatch Logs' },
  Route53: { name: 'Route 53', healthData: 'none', listed: 'Amazon Route 53' },
  S3: {
    name: 'S3',
    healthData: 'files of exports, sealed to the partner; who read which record',
    listed: 'Amazon Simple Storage Service (Amazon S3) [including S3 Transfer Acceleration]',
  },
  SNS: { name: 'SNS', healthData: 'none: alarms', listed: 'Amazon Simple Notification Service (SNS)' },
  SQS: {
    name: 'SQS',
    healthData: 'none: ids of grants and exports',
    listed: 'Amazon Simple Queue Service (SQS)',
  },
  STS: { name: 'STS', healthData: 'none' },
  SecretsManager: { name: 'Secrets Manager', healthData: 'none: secrets', listed: 'AWS Secrets Manager' },
  WAFv2: {
    name: 'WAF',
    healthData: 'passes through; its log has no path, query or body',
    listed: 'AWS Web Application Firewall (WAF)',
  },
  XRay: { name: 'X-Ray', healthData: 'none: times and request ids', listed: 'AWS X-Ray' },
};

/** By the names in actions, endpoints, principals and ARNs, where these differ from the prefix of the types. */
const otherNames: Readonly<Record<string, string>> = {
  acm: 'CertificateManager',
  edgelambda: 'Lambda',
  'execute-api': 'ApiGateway',
  'vpc-flow-logs': 'EC2',
};
const byName = new Map(Object.keys(services).map((prefix) => [prefix.toLowerCase(), prefix]));

/** The services that a string in the template names, as an action, principal, endpoint or ARN. */
const namedIn = (text: string): string[] => {
  const patterns = [
    // An action or a condition key of a service; those of all services begin with "aws:".
    /"(?!aws:)([a-z0-9-]+):[A-Z][A-Za-z]+\*?"/g,
    // A service's principal, such as that of Lambda.
    /"(?:[a-z0-9-]+\.)?([a-z0-9-]+)\.amazonaws\.com"/g,
    // The name of a VPC endpoint's service.
    /"com\.amazonaws\.[a-z0-9-]+\.([a-z0-9-]+)"/g,
    /arn:aws[a-z-]*:([a-z0-9-]+):/g,
  ];
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map(([, name = '']) => name));
};

/**
 * Every service that a template makes resources of, or names in its policies, endpoints and ARNs; and CloudFormation.
 * @throws Refusal if it has one that nobody has judged
 */
export const servicesOf = ({ Resources }: Template): readonly Service[] => {
  const types = Object.values(Resources).flatMap(({ Type }) => /^AWS::(\w+)::/.exec(Type)?.[1] ?? []);
  const names = Object.values(Resources).flatMap(({ Properties }) => namedIn(JSON.stringify(Properties ?? {})));
  const prefixes = [...types, ...names, 'CloudFormation'].map(
    (name) => otherNames[name] ?? byName.get(name.toLowerCase()) ?? name,
  );
  return [...new Set(prefixes)]
    .filter((prefix) => prefix !== 'CDK')
    .sort()
    .map((prefix) => {
      const service = services[prefix];
      if (service === undefined)
        throw new Refusal(`bin/evidence/services.ts does not say what passes through ${prefix}`);
      return service;
    });
};

export const hasHealthData = ({ healthData }: Service): boolean => !healthData.startsWith('none');
