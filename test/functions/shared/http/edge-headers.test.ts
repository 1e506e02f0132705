import type { ApiEvent } from '../../../../functions/shared/http/api.ts';
import { edgeFacts } from '../../../../functions/shared/http/edge-headers.ts';
import { recordRequest, type RequestContext } from '../../../../functions/shared/record/request-record.ts';
import { apiEvent, testDeps } from '../../../support/gateway.ts';

const cloudFrontId = 'x3kFv9-Qm_7Zt1Yw8Lr2Bd6Nc4Hj0Ks5Pg3Ua9Ve1Xi7Oq==';
const asked = (headers: Record<string, string>): ApiEvent => apiEvent('/oauth2/token', { headers });

describe('what CloudFront says about a request', () => {
  it.each([
    ['198.51.100.7:46532', '198.51.100.7'],
    ['2001:db8::7:8443', '2001:db8::7'],
    ['[2001:db8::7]:8443', undefined],
    ['198.51.100.7', undefined],
    ['Mayte Venegas:1', undefined],
    ['', undefined],
  ])('is the address of %j, without its port and only in the form of one', (value, address) => {
    expect(edgeFacts(asked({ 'CloudFront-Viewer-Address': value })).address).toBe(address);
  });

  it('is its request id, which its own log has too', () => {
    expect(edgeFacts(asked({ 'X-Amz-Cf-Id': cloudFrontId }))).toEqual({ edgeRequestId: cloudFrontId });
    expect(edgeFacts(asked({ 'X-Amz-Cf-Id': 'short' }))).toEqual({});
    expect(edgeFacts(asked({}))).toEqual({});
  });

  const recordFor = async (behindEdge?: boolean) => {
    const { deps } = testDeps();
    const event = asked({ 'CloudFront-Viewer-Address': '198.51.100.7:46532', 'X-Amz-Cf-Id': cloudFrontId });
    const { before } = recordRequest({ ...deps, ...(behindEdge === undefined ? {} : { behindEdge }) }, 'token');
    const context = { awsRequestId: 'x' };
    await before?.({ event, context } as never);
    return (context as unknown as RequestContext).record;
  };

  it('is logged only behind an edge, since any caller can send these headers', async () => {
    expect(await recordFor(true)).toMatchObject({ address: '198.51.100.7', edgeRequestId: cloudFrontId });
    for (const behindEdge of [false, undefined]) {
      expect(await recordFor(behindEdge)).not.toHaveProperty('address');
      expect(await recordFor(behindEdge)).not.toHaveProperty('edgeRequestId');
    }
  });
});
