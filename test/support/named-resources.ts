/** Resources with names that CloudFormation gives. */
export const account = '111122223333';
export const at = (service: string, name: string): string => `arn:aws:${service}:us-east-1:${account}:${name}`;
export const bucket = 'arn:aws:s3:::p2p-gateway-demo-auditbucket-x1';
export const role = `arn:aws:iam::${account}:role/p2p-gateway-demo-FetchRole-x1`;
const policy = `arn:aws:iam::${account}:policy/p2p-gateway-demo-Policy-x1`;
export const api = (path: string): string => `arn:aws:apigateway:us-east-1::${path}`;

/** One of each type of resource that has a name. */
export const named: Readonly<Record<string, string>> = {
  'AWS::ApiGateway::Account': api('/account'),
  'AWS::ApiGateway::BasePathMapping': api('/domainnames/gateway.example.org/basepathmappings'),
  'AWS::ApiGateway::ClientCertificate': api('/clientcertificates/abc'),
  'AWS::ApiGateway::Deployment': api('/restapis/abc/deployments'),
  'AWS::ApiGateway::DomainName': api('/domainnames'),
  'AWS::ApiGateway::GatewayResponse': api('/restapis/abc/gatewayresponses/THROTTLED'),
  'AWS::ApiGateway::Method': api('/restapis/abc/resources/x/methods/ANY'),
  'AWS::ApiGateway::Resource': api('/restapis/abc/resources'),
  'AWS::ApiGateway::RestApi': api('/restapis'),
  'AWS::ApiGateway::Stage': api('/restapis/abc/stages'),
  'AWS::CloudFront::Distribution': at('cloudfront', 'distribution/E1'),
  'AWS::CloudFront::OriginRequestPolicy': at('cloudfront', 'origin-request-policy/x'),
  'AWS::CloudWatch::Alarm': at('cloudwatch', 'alarm:p2p-gateway-demo-ServerErrors'),
  'AWS::CloudWatch::Dashboard': `arn:aws:cloudwatch::${account}:dashboard/p2p-gateway-demo`,
  'AWS::DynamoDB::Table': at('dynamodb', 'table/p2p-gateway-demo-Grants-x1'),
  'AWS::Events::Rule': at('events', 'rule/p2p-gateway-demo-CanarySchedule-x1'),
  'AWS::IAM::ManagedPolicy': policy,
  'AWS::IAM::Role': role,
  'AWS::KMS::Alias': at('kms', 'alias/p2p-demo-data'),
  'AWS::KMS::Key': at('kms', 'key/x'),
  'AWS::Lambda::EventInvokeConfig': at('lambda', 'function:p2p-gateway-demo-Canary-x1'),
  'AWS::Lambda::EventSourceMapping': at('lambda', 'event-source-mapping:x'),
  'AWS::Lambda::Function': at('lambda', 'function:p2p-gateway-demo-Fetch-x1'),
  'AWS::Lambda::Permission': at('lambda', 'function:p2p-gateway-demo-Fetch-x1'),
  'AWS::Lambda::Version': at('lambda', 'function:p2p-gateway-demo-Edge-x1:1'),
  'AWS::Logs::Delivery': at('logs', 'delivery:x'),
  'AWS::Logs::DeliveryDestination': at('logs', 'delivery-destination:x'),
  'AWS::Logs::DeliverySource': at('logs', 'delivery-source:x'),
  'AWS::Logs::LogGroup': at('logs', 'log-group:p2p-gateway-demo-FetchLogs-x1'),
  'AWS::S3::Bucket': bucket,
  'AWS::S3::BucketPolicy': bucket,
  'AWS::SecretsManager::Secret': at('secretsmanager', 'secret:OriginSecretValue1A2B3C-AbCdEf'),
  'AWS::SNS::Subscription': at('sns', 'p2p-gateway-demo-AlarmsTopic-x1'),
  'AWS::SNS::Topic': at('sns', 'p2p-gateway-demo-AlarmsTopic-x1'),
  'AWS::SNS::TopicPolicy': at('sns', 'p2p-gateway-demo-AlarmsTopic-x1'),
  'AWS::SQS::Queue': at('sqs', 'p2p-gateway-demo-EventsDeliverDeadLetters-x1'),
  'AWS::SQS::QueuePolicy': at('sqs', 'p2p-gateway-demo-EventsDeliverDeadLetters-x1'),
};

/** A stream of a table, which is a kind of its own in policies. */
export const stream = `${named['AWS::DynamoDB::Table']}/stream/x`;
