import type { CloudFrontHeaders, CloudFrontResponseEvent } from 'aws-lambda';
import { handler } from '../../../functions/edge/index.ts';

/** What CloudFront provides: names in lower case, `key` as the origin wrote it. */
const eventWith = (status: string, headers: CloudFrontHeaders): CloudFrontResponseEvent =>
  ({
    Records: [
      {
        cf: {
          config: {
            distributionId: 'E1',
            distributionDomainName: 'd.cloudfront.net',
            eventType: 'origin-response',
            requestId: 'r',
          },
          request: { clientIp: '203.0.113.7', method: 'GET', uri: '/r4/x/Patient', querystring: '', headers: {} },
          response: { status, statusDescription: 'Any', headers },
        },
      },
    ],
  }) as unknown as CloudFrontResponseEvent;

const remapped = (...values: string[]): CloudFrontHeaders => ({
  'x-amzn-remapped-www-authenticate': values.map((value) => ({ key: 'x-amzn-Remapped-WWW-Authenticate', value })),
});
const json: CloudFrontHeaders = { 'content-type': [{ key: 'Content-Type', value: 'application/fhir+json' }] };

describe('the edge function', () => {
  it('restores WWW-Authenticate on a 401, and removes the renamed one', async () => {
    const challenge = 'Bearer error="invalid_token"';

    const response = await handler(eventWith('401', { ...json, ...remapped(challenge) }));

    expect(response.headers).toEqual({ ...json, 'www-authenticate': [{ key: 'WWW-Authenticate', value: challenge }] });
    expect(response.status).toBe('401');
  });

  it('keeps several challenges separate and in order', async () => {
    const response = await handler(eventWith('401', remapped('Basic realm="gateway"', 'Bearer')));

    expect(response.headers['www-authenticate']?.map(({ value }) => value)).toEqual([
      'Basic realm="gateway"',
      'Bearer',
    ]);
  });

  it('leaves an answer without one unchanged', async () => {
    const event = eventWith('200', json);

    const response = await handler(event);

    expect(response).toEqual(event.Records[0]?.cf.response);
  });

  it('never sets a body, which would replace the streamed one', async () => {
    const response = await handler(eventWith('403', remapped('Bearer error="insufficient_scope"')));

    expect(Object.keys(response).sort()).toEqual(['headers', 'status', 'statusDescription']);
  });
});
