import { resourcesOf, templateOf } from '../support/front-stack.ts';

interface Answer {
  readonly ResponseType: string;
  readonly StatusCode?: string;
  readonly ResponseParameters: Readonly<Record<string, string>>;
  readonly ResponseTemplates: Readonly<Record<string, string>>;
}

describe("API Gateway's own responses", () => {
  const found = resourcesOf(templateOf('plain'), 'AWS::ApiGateway::GatewayResponse');
  const answers = new Map(
    found.map(([, { Properties }]) => {
      const answer = Properties as unknown as Answer;
      return [answer.ResponseType, answer] as const;
    }),
  );

  const header = (answer: Answer | undefined, name: string): string | undefined =>
    answer?.ResponseParameters[`gatewayresponse.header.${name}`];

  it.each([
    ['MISSING_AUTHENTICATION_TOKEN', '404'],
    ['INVALID_SIGNATURE', '404'],
    ['REQUEST_TOO_LARGE', '413'],
    ['THROTTLED', '429'],
    ['QUOTA_EXCEEDED', '429'],
    ['WAF_FILTERED', '403'],
    ['INTEGRATION_TIMEOUT', '504'],
    ['INTEGRATION_FAILURE', '503'],
  ])('%s is %s', (type, status) => {
    expect(answers.get(type)?.StatusCode).toBe(status);
  });

  it('leaves the status of every other 4xx and 5xx as it is', () => {
    expect(answers.has('DEFAULT_4XX') && answers.has('DEFAULT_5XX')).toBe(true);
    expect(answers.get('DEFAULT_4XX')?.StatusCode).toBeUndefined();
    expect(answers.get('DEFAULT_5XX')?.StatusCode).toBeUndefined();
  });

  it('can be read by the page that called, and are never cached', () => {
    for (const answer of answers.values()) {
      expect(header(answer, 'Access-Control-Allow-Origin')).toBe("'*'");
      expect(header(answer, 'Access-Control-Expose-Headers')).toBe("'Retry-After'");
      expect(header(answer, 'Cache-Control')).toBe("'no-store'");
      expect(header(answer, 'Access-Control-Allow-Credentials')).toBeUndefined();
    }
  });

  it('say when to retry if a retry helps, and only then', () => {
    const retried = [...answers.values()].filter((answer) => header(answer, 'Retry-After') !== undefined);

    expect(retried.map(({ ResponseType }) => ResponseType).sort()).toEqual([
      'INTEGRATION_FAILURE',
      'INTEGRATION_TIMEOUT',
      'QUOTA_EXCEEDED',
      'THROTTLED',
    ]);
    for (const answer of retried) expect(header(answer, 'Retry-After')).toMatch(/^'\d+'$/);
  });

  const reference = ' (reference $context.extendedRequestId)';

  it('are an OAuth error and an OperationOutcome at once, with the same sentence and the request’s reference', () => {
    expect(answers.size).toBeGreaterThan(0);
    for (const { ResponseTemplates } of answers.values()) {
      expect(Object.keys(ResponseTemplates)).toEqual(['application/json']);
      const body = JSON.parse(ResponseTemplates['application/json'] ?? '') as Record<string, unknown>;
      expect(body).toEqual({
        error: expect.stringMatching(/^[a-z_]+$/) as string,
        error_description: expect.any(String) as string,
        resourceType: 'OperationOutcome',
        issue: [
          {
            severity: 'error',
            code: expect.stringMatching(/^[a-z-]+$/) as string,
            details: { text: String(body['error_description']).replace(reference, '') },
            diagnostics: body['error_description'],
          },
        ],
      });
    }
  });

  it("repeat nothing of the request, since API Gateway's own messages quote the Authorization header", () => {
    // Its own request id is the only thing that it adds, since no client can choose that.
    const written = JSON.stringify([...answers.values()]).replaceAll(reference, '');
    expect(written).not.toMatch(/\$|context\.|method\.request/);
  });
});
