/** The AWS services of a stage, by the prefix of their types, and what health data passes through each. */

export interface Service {
  readonly name: string;
  readonly healthData: string;
}

/** AWS's own list, which changes: no copy of it here could be relied on. */
export const eligibleServices = 'https://aws.amazon.com/compliance/hipaa-eligible-services-reference/';

/** By the prefix of the types of their resources. */
export const services: Readonly<Record<string, Service>> = {
  ApiGateway: { name: 'API Gateway', healthData: 'passes through, unstored' },
  CloudFront: { name: 'CloudFront and Lambda@Edge', healthData: 'passes through, unstored' },
  CloudWatch: { name: 'CloudWatch', healthData: 'none: figures and names of payers' },
  DynamoDB: { name: 'DynamoDB', healthData: "patients' ids; the payers' tokens sealed" },
  EC2: { name: 'EC2 (VPC)', healthData: 'passes through, encrypted by TLS' },
  Events: { name: 'EventBridge', healthData: 'none: schedules' },
  IAM: { name: 'IAM', healthData: 'none' },
  KMS: { name: 'KMS', healthData: 'none: keys' },
  Lambda: { name: 'Lambda', healthData: 'passes through, unstored' },
  Logs: { name: 'CloudWatch Logs', healthData: 'none; addresses of callers' },
  Route53: { name: 'Route 53', healthData: 'none' },
  S3: { name: 'S3', healthData: 'files of exports, sealed to the partner; who read which record' },
  SNS: { name: 'SNS', healthData: 'none: alarms' },
  SQS: { name: 'SQS', healthData: 'none: ids of grants and exports' },
  SecretsManager: { name: 'Secrets Manager', healthData: 'none: secrets' },
  WAFv2: { name: 'WAF', healthData: 'passes through; its log has no path, query or body' },
};

/** Services without a resource of their own in the template. */
export const unnamed: readonly Service[] = [
  { name: 'X-Ray', healthData: 'none: times and request ids' },
  { name: 'Certificate Manager', healthData: 'none' },
  { name: 'CloudFormation', healthData: 'none' },
];
