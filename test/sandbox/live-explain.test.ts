import { errorCodes } from '../../functions/shared/errors.ts';
import { explainerOf, readExplanations } from '../../sandbox/live/explain.ts';

const document = `
paths:
  /oauth2/token:
    post:
      operationId: token
      tags: [Tokens]
      responses:
        '400':
          description: |
            Wrong.

            - \`invalid_grant\`: the code is
              old. Start again.
            - \`invalid_request\`: a parameter is missing.
  /r4/{payer}/{type}:
    get:
      operationId: search
      tags: [Reading]
      responses:
        '401': { $ref: '#/components/responses/NoToken' }
components:
  responses:
    NoToken:
      description: |
        - \`invalid_token\` (\`login\`): refresh it.
        - \`invalid_request\` (\`invalid\`): no token was sent.
`;

describe('the explanation of an error', () => {
  it('is that of the request that failed, and leads to it in the API document', () => {
    const explain = explainerOf(document);
    expect(explain({ method: 'POST', path: '/oauth2/token', status: 400, error: 'invalid_grant' })).toEqual({
      says: 'the code is old. Start again.',
      href: '/api/#/Tokens/token',
    });
    expect(explain({ method: 'GET', path: '/r4/northwind/Patient', status: 401, error: 'invalid_request' })).toEqual({
      says: 'no token was sent.',
      href: '/api/#/Reading/search',
    });
  });

  it('is that of another request where the document has none for this one, and nothing for an unknown code', () => {
    const explain = explainerOf(document);
    expect(explain({ method: 'GET', path: '/elsewhere', status: 400, error: 'invalid_grant' })?.says).toBe(
      'the code is old. Start again.',
    );
    expect(explain({ method: 'GET', path: '/elsewhere', status: 400, error: 'nothing_known' })).toBeUndefined();
  });

  it("is in the gateway's own API document for every code of the gateway", async () => {
    const explain = await readExplanations();
    const unexplained = errorCodes.filter(
      (error) => explain({ method: 'GET', path: '/r4/northwind/Patient', status: 400, error }) === undefined,
    );
    expect(unexplained).toEqual([]);
  });
});
