import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import demo from '../../config/demo.ts';
import local from '../../config/local.ts';
import { errorCodes, type ErrorCode, type GatewayError } from '../../functions/shared/errors.ts';
import { checkMethod, type ApiResponse } from '../../functions/shared/http/api.ts';
import { readOn, type ErrorTable } from '../../functions/shared/http/read-on.ts';
import { oauthError } from '../../functions/shared/http/respond.ts';
import { errorPage } from '../../functions/shared/pages/error-page.ts';
import { codesIn, operations } from '../openapi/document.ts';
import { apiEvent } from '../support/gateway.ts';
import { stageTemplate } from '../support/stage-template.ts';
import { blocksOf, documentAt, root } from './documents.ts';

describe('the quick start', () => {
  const blocks = blocksOf(documentAt('docs/partners/quick-start.md')).map(({ code }) => code);

  it.each([
    'read-record.sh',
    'read-record.mjs',
    'read_record.py',
    'smart-app.html',
    'present-identity.sh',
    'present-identity.mjs',
    'present_identity.py',
  ])('shows %s as it is, which tests run', (name) => {
    expect(blocks).toContain(readFileSync(join(root, 'docs/examples', name), 'utf8'));
  });
});

describe('how long a code lives', () => {
  const [deployed, onLocalStack] = [demo.lifetimes.code, local.lifetimes.code];
  /** A document in one line, so that no line break parts a sentence. */
  const lineOf = (path: string): string => documentAt(path).text.replaceAll(/\s+/g, ' ');

  it.each([
    ['docs/partners/tokens.md', `| at most ${deployed} seconds, once; on the local stack ${onLocalStack}, `],
    [
      'docs/partners/quick-start.md',
      `once, for ${onLocalStack} seconds ([${deployed} in a deployed stage](tokens.md#how`,
    ],
    [
      'README.md',
      `once, for ${onLocalStack} seconds ([${deployed} in a deployed stage](docs/partners/tokens.md#how-long`,
    ],
    ['docs/partners/moving.md', `| at most ${deployed} seconds: redeem it at once`],
    ['docs/openapi.yaml', `Works once, within ${deployed} seconds (${onLocalStack} on the local stack).`],
    ['SECURITY.md', `| anything after its ${deployed} seconds |`],
  ])('is in %s as the configuration has it', (path, words) => {
    expect(lineOf(path)).toContain(words);
  });

  it.each(['docs/partners/sign-in.md', 'docs/partners/going-live.md'])('is not said again in %s', (path) => {
    expect(lineOf(path)).not.toMatch(new RegExp(`\\b(?:${deployed}|${onLocalStack}) seconds`));
    expect(lineOf(path)).toContain('(tokens.md#how-long-things-live)');
  });
});

describe('the tables of errors', () => {
  const { text } = documentAt('docs/partners/errors.md');
  /** The rows of a section's table that has statuses, as `400 invalid_request`. */
  const rowsOf = (heading: string): string[] => {
    const section = text.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
    return [...section.matchAll(/^\| (\d{3}) +\| <a id="[\w-]+"><\/a>`(\w+)`/gm)]
      .map(([, status, code]) => `${status} ${code}`)
      .sort();
  };
  const redirected = (): string[] => {
    const section = text.split(/^## /m).find((part) => part.startsWith('In the browser')) ?? '';
    return [...section.matchAll(/^\| <a id="[\w-]+"><\/a>`(\w+)`/gm)].map(([, code]) => `302 ${code}`);
  };

  /** The statuses and codes that the API's description has for paths, as `400 invalid_request`. */
  const documentedFor = (isOurs: (path: string) => boolean): string[] => {
    const found = operations
      .filter(({ path }) => isOurs(path))
      .flatMap(({ answers }) => answers)
      .flatMap(({ status, description }) => codesIn(description).map(({ code }) => `${status} ${code}`));
    return [...new Set(found)].sort();
  };
  const inBrowser = (path: string): boolean => /^\/oauth2\/(?:authorize|callback)|^\/connect|^\/$/.test(path);
  const isFhir = (path: string): boolean =>
    path.startsWith('/exports/') || (path.startsWith('/r4/') && !path.includes('/.well-known/'));

  // The API says once of all paths that another method is 405.
  it('name for the browser what the API names', () => {
    expect([...rowsOf('In the browser'), ...redirected()].sort()).toEqual(
      [...documentedFor(inBrowser), '405 method_not_allowed'].sort(),
    );
  });

  it('name for token, revoke, introspect and discovery what the API names', () => {
    const named = documentedFor((path) => !inBrowser(path) && !isFhir(path));
    expect(rowsOf('Token, revoke')).toEqual([...named, '405 invalid_request'].sort());
  });

  it('name for FHIR and exports what the API names', () => {
    expect(rowsOf('FHIR and exports')).toEqual(documentedFor(isFhir));
  });

  /** The anchors of the rows. */
  const anchors = [...text.matchAll(/<a id="([\w-]+)">/g)].map(([, id = '']) => id);
  const linksTo = (table: ErrorTable, rows: readonly string[]): string[] =>
    rows.map((row) => {
      const [status, code] = row.split(' ') as [string, ErrorCode];
      return readOn(table, { code }, Number(status))?.slice('https://docs.example.org/errors#'.length) ?? '';
    });

  /** Where the answer to a method that a path does not take leads. */
  const otherMethod = (path: string, answer: (error: GatewayError, reference: string) => ApiResponse): string => {
    try {
      checkMethod(apiEvent(path, { method: 'PATCH' }), ['GET']);
    } catch (error) {
      return /errors#([\w-]+)/.exec(answer(error as GatewayError, 'ref-1').body as string)?.[1] ?? '';
    }
    throw new Error(`${path} takes PATCH`);
  };
  const view = { operator: { name: 'Us' }, language: 'en', method: 'GET', pairs: [] } as const;
  const onPage = (error: GatewayError, reference: string): ApiResponse => errorPage(view, error, reference);

  it('have a row where each error that the API names leads, and no other', () => {
    process.env['ERRORS_URL'] = 'https://docs.example.org/errors';
    const isRedirect = (row: string): boolean => row.startsWith('302');
    const inBrowserRows = documentedFor(inBrowser);
    expect(anchors.toSorted()).toEqual(
      [
        ...linksTo(
          'page',
          inBrowserRows.filter((row) => !isRedirect(row)),
        ),
        ...linksTo('redirect', inBrowserRows.filter(isRedirect)),
        ...linksTo(
          'token',
          documentedFor((path) => !inBrowser(path) && !isFhir(path)),
        ),
        ...linksTo('fhir', documentedFor(isFhir)),
        // RFC 6749 has no code of its own for it.
        otherMethod('/oauth2/token', oauthError),
        otherMethod('/connect', onPage),
      ].toSorted(),
    );
    delete process.env['ERRORS_URL'];
  });

  it('have a part to which the answers in front of the gateway lead', async () => {
    const { Resources: resources } = await stageTemplate('production-example');
    const led = Object.values(resources)
      .filter(({ Type: type }) => type === 'AWS::ApiGateway::GatewayResponse')
      .map(({ Properties: properties }) => {
        const templates = (properties?.['ResponseTemplates'] ?? {}) as Record<string, string>;
        const body = templates['application/json'] ?? '';
        return [/"error_uri":"[^"#]+#([\w-]+)"/, / See [^"#]+#([\w-]+)"/].map(
          (uri) => uri.exec(body)?.[1] ?? 'nowhere',
        );
      });
    const headings = new Set(
      [...text.matchAll(/^## (.+)$/gm)].map(([, heading = '']) => heading.toLowerCase().replaceAll(' ', '-')),
    );

    expect(led.length).toBeGreaterThan(5);
    expect(led.flat().filter((anchor) => !headings.has(anchor))).toEqual([]);
  });

  it('have every code that the gateway has', () => {
    expect(errorCodes.filter((code) => !text.includes(`\`${code}\``))).toEqual([]);
  });
});
