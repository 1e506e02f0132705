import type { CloudFrontHeaders, CloudFrontResponse, CloudFrontResponseEvent } from 'aws-lambda';

const remapped = 'x-amzn-remapped-www-authenticate';
const original = 'www-authenticate';

const withItsOwnName = ({ [remapped]: renamed, ...others }: CloudFrontHeaders): CloudFrontHeaders =>
  renamed === undefined
    ? others
    : { ...others, [original]: renamed.map(({ value }) => ({ key: 'WWW-Authenticate', value })) };

/**
 * Lambda@Edge, origin response: restores the name of `WWW-Authenticate` (RFC 6750 §3, RFC 6749 §5.2), which API Gateway
 * changes to `x-amzn-Remapped-WWW-Authenticate`. Clients look for the real name. The body is never touched, so answers
 * stream through.
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
 */
export const handler = async (event: CloudFrontResponseEvent): Promise<CloudFrontResponse> => {
  const response = event.Records[0]?.cf.response;
  if (response === undefined) throw new Error('CloudFront sends one record');
  return { ...response, headers: withItsOwnName(response.headers) };
};
