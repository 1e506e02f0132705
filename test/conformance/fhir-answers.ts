import { answer, answerText, byHand, type Outcome } from '../support/payer/answers.ts';
import { connect, read } from './client.ts';
import { expectOutcome } from './expectations.ts';
import { promises, type Requirement } from './requirement.ts';

const fhirJson = { 'content-type': 'application/fhir+json' };

const typed = (body: string, type: string) => answerText(200, body, { 'content-type': type });

/** Unusable answers of a payer. */
const useless: Readonly<Record<string, Outcome>> = {
  'OWASP ASVS 4.1.1: HTML with status 200': typed('<html>', 'text/html'),
  'OWASP ASVS 4.1.1: XML with status 200': typed('<Patient/>', 'application/fhir+xml'),
  'OWASP ASVS 4.1.1: no content type': answerText(200, '{}', {}),
  'OWASP ASVS 4.1.1: JSON in another charset': typed('{}', 'application/fhir+json; charset=utf-16'),
  'OWASP API10:2023: a 500': answer(500, {}),
  'OWASP API10:2023: a 202, which would mean an answer later': answer(202, {}),
};

/** Unusable answers of a payer. */
export const badAnswers: readonly Requirement[] = [
  ...Object.entries(useless).flatMap(([what, r4]) =>
    promises({
      [what.replace(': ', ': answers 502 if the payer answers with ')]: async (target) => {
        const { access_token: token } = await connect(target);
        target.payers.script('clear-health', { r4 });
        await expectOutcome(await read(target, '/Patient', token), 502);
      },
    }),
  ),
  ...promises({
    "OWASP ASVS 15.3.2: answers 502 to a payer's redirect, and sends the token nowhere": async (target) => {
      const { access_token: token } = await connect(target);
      for (const location of [
        'http://169.254.169.254/latest/meta-data/',
        `${target.payers.origin}/elsewhere/r4/Patient`,
      ]) {
        for (const status of [301, 302, 307]) {
          target.payers.script('clear-health', { r4: answer(status, {}, { location }) });
          const response = await read(target, '/Patient', token);
          expect(response.headers.get('location')).toBeNull();
          await expectOutcome(response, 502);
        }
      }
      expect(target.payers.requests('elsewhere', 'r4')).toEqual([]);
    },
    'OWASP API10:2023: answers 503 if the payer cuts the connection before it answers': async (target) => {
      const { access_token: token } = await connect(target);
      target.payers.script('clear-health', { r4: 'reset' });
      const response = await read(target, '/Patient', token);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      await expectOutcome(response, 503);
    },
    'RFC 9112 §8: cuts an answer that the payer cut, so half a record does not seem whole': async (target) => {
      const { access_token: token } = await connect(target);
      const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
      target.payers.script('clear-health', {
        r4: byHand(async (response) => {
          response.writeHead(200, fhirJson);
          response.write('{"resourceType":"Bundle","entry":[');
          await begun;
          response.destroy();
        }),
      });
      const response = await read(target, '/Patient', token);
      begin();
      expect(response.status).toBe(200);
      await expect(response.text()).rejects.toThrow();
    },
  }),
];
