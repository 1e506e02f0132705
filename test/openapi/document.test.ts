import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { registryData } from '../../config/checks/load.ts';
import { defaultPorts, localStage } from '../../config/local.ts';
import { facadeOf } from '../../functions/discovery/facade.ts';
import { authorizationServerMetadata, smartConfiguration } from '../../functions/discovery/oauth-metadata.ts';
import { outputFormats } from '../../functions/fetch/kick-off/read-parameters.ts';
import { errorCodes } from '../../functions/shared/errors.ts';
import { languageParameter } from '../../functions/shared/pages/view.ts';
import { checkAuthorizeRequest } from '../../functions/shared/partner/check-authorize-request.ts';
import { checkClient } from '../../functions/shared/partner/check-client.ts';
import { registryOf } from '../../functions/shared/registry/registry.ts';
import {
  assertionAlgorithms,
  authenticationAt,
  grantTypes,
  identityGrantType,
} from '../../functions/shared/registry/token-endpoint.ts';
import { root } from '../docs/documents.ts';
import { es384Jwk, localRegistry, pkce } from '../support/login.ts';
import { stageTemplate } from '../support/stage-template.ts';
import { words } from '../support/words.ts';
import {
  codesIn,
  escaped,
  openapi,
  openapiPath,
  operations,
  partsOf,
  type DocumentedAnswer,
  type Part,
} from './document.ts';
import { openSchemas, problemsOf } from './validate.ts';

const run = promisify(execFile);

interface Findings {
  readonly problems: readonly { readonly severity: string; readonly ruleId: string; readonly message: string }[];
}

const lint = async (): Promise<string[]> => {
  const cli = join(root, 'node_modules/@redocly/cli/bin/cli.js');
  const flags = ['lint', openapiPath, '--config', 'test/openapi/redocly.yaml', '--format', 'json'];
  const env = { ...process.env, NODE_OPTIONS: '', REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };
  // With findings its exit code is 1; the report says which.
  const { stdout } = await run(process.execPath, [cli, ...flags], { cwd: root, env }).catch(
    (error: unknown) => error as { stdout: string },
  );
  const { problems } = JSON.parse(stdout) as Findings;
  return problems.map(({ severity, ruleId, message }) => `${severity} ${ruleId}: ${message}`);
};

/** What shows an answer's code: the examples in JSON. */
const examplesOf = (answer: DocumentedAnswer): Map<string, unknown> => {
  const json = [...partsOf(answer, 'content')].filter(([type]) => type.endsWith('json'));
  return new Map(
    json.flatMap(([, content]) =>
      [...partsOf(content, 'examples')].map(([name, { node }]) => [name, node['value']] as const),
    ),
  );
};

const exampleProblems = (answer: DocumentedAnswer): string[] => {
  const json = [...partsOf(answer, 'content')].filter(([type]) => type.endsWith('json'));
  if (json.length === 0) return [];
  const examples = examplesOf(answer);
  const missing = codesIn(answer.description).filter(({ code }) => !examples.has(code));
  const wrong = json.flatMap(([, { pointer }]) =>
    [...examples].flatMap(([name, value]) => problemsOf(`${pointer}/schema`, value).map((why) => `${name}: ${why}`)),
  );
  return [...missing.map(({ code }) => `no example of ${code}`), ...wrong];
};

/** Every object in the document, with its JSON Pointer. */
const nodesOf = function* (
  node: unknown,
  pointer: string,
): Generator<readonly [pointer: string, node: Readonly<Record<string, unknown>>]> {
  if (typeof node !== 'object' || node === null) return;
  if (!Array.isArray(node)) yield [pointer, node as Readonly<Record<string, unknown>>];
  for (const [name, value] of Object.entries(node)) yield* nodesOf(value, `${pointer}/${escaped(name)}`);
};

/** The string literals in a source file. Whatever a template literal interpolates matches anything. */
const textsIn = (source: string) =>
  [...source.matchAll(/'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g)].map((found) => {
    const parts = (found[1] ?? found[2] ?? found[3] ?? '').split(/\$\{(?:[^{}]|\{[^}]*\})*\}/);
    const pattern = new RegExp(
      parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)).join('.*?'),
    );
    return { pattern, letters: parts.join('').length };
  });

/** The local stack's payers. One of them also takes part in exchanges. */
const payersAsRun = () =>
  registryData(localStage(defaultPorts, { exchangePublicKey: es384Jwk('exchange-1').publicJwk })).payers;

/** Reserved words, which a generated client cannot use as names. */
const reserved = new Set(
  words(`break case catch class const continue default delete do else enum export extends false finally for function if
    import in instanceof new null return static super switch this throw true try typeof var void while with yield`),
);

describe(openapiPath, () => {
  it('passes the linter without a finding', async () => {
    expect(await lint()).toEqual([]);
  });

  it('has the version of the package', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

    expect(openapi['info']).toMatchObject({ version });
  });

  it('leaves answers and events open to fields and values that may be added', () => {
    const { schemas } = openapi['components'] as Record<'schemas', Record<string, unknown>>;
    const closedAt = (node: unknown, path: string): string[] => {
      if (typeof node !== 'object' || node === null) return [];
      const isClosed = 'enum' in node || ('additionalProperties' in node && node.additionalProperties === false);
      const below = Object.entries(node).flatMap(([name, value]) => closedAt(value, `${path}/${name}`));
      return isClosed ? [path, ...below] : below;
    };
    expect(openSchemas.flatMap((name) => closedAt(schemas[name], name))).toEqual([]);
    expect(closedAt(schemas['FrontDoorError'], '')).toEqual([]);
    // What is closed is a form that is sent, or closed by another standard.
    const others = Object.keys(schemas).filter((name) => closedAt(schemas[name], name).length > 0);
    expect(others.toSorted()).toEqual([
      'BrandsBundle',
      'ConnectionsForm',
      'KeySet',
      'MatchParameters',
      'Outcome',
      'TokenForm',
    ]);
  });

  it("lists the gateway's error codes, all of them and no others", () => {
    const listed = operations.flatMap(({ answers }) => answers.flatMap(({ description }) => codesIn(description)));

    expect([...new Set(listed.map(({ code }) => code))].toSorted()).toEqual(errorCodes);
  });

  it('lists what the token endpoint accepts in its schema and in each example of a discovery document, no more and no less', () => {
    const text = readFileSync(join(root, openapiPath), 'utf8');
    const listed = (field: string): string[] =>
      [...text.matchAll(new RegExp(`\\b${field}:\\s*(?:\\{[^}]*enum: )?\\[([^\\]]*)\\]`, 'g'))].map(
        ([, list]) => list!,
      );

    expect(listed('grant_type')).toEqual([[...grantTypes, identityGrantType].join(', ')]);
    expect(new Set(listed('grant_types_supported'))).toEqual(new Set([[...grantTypes, identityGrantType].join(', ')]));
    for (const [endpoint, methods] of Object.entries(authenticationAt)) {
      expect(new Set(listed(`${endpoint}_endpoint_auth_methods_supported`))).toEqual(new Set([methods.join(', ')]));
      expect(new Set(listed(`${endpoint}_endpoint_auth_signing_alg_values_supported`))).toEqual(
        new Set([assertionAlgorithms.join(', ')]),
      );
    }
    expect(text).toContain(`\`grant_type\` must be ${grantTypes.map((type) => `\`${type}\``).join(' or ')}.`);
    expect(text).toContain(`your key (${assertionAlgorithms.join(' or ')})`);
  });

  it("shows a payer's discovery documents as the local stack sends them", () => {
    const payer = payersAsRun().find(({ id }) => id === 'demo-health-plan')!;
    const origin = 'http://localhost:3000';
    const shown = new Map(
      [...nodesOf(openapi, '')].map(([pointer, node]) => [pointer.split('/').at(-1), node['value']]),
    );

    expect(shown.get('smart')).toEqual(smartConfiguration(origin, facadeOf(origin, payer), payer));
    expect(shown.get('metadata')).toEqual(authorizationServerMetadata(facadeOf(origin, payer), payer));
  });

  it('asks in its examples of tokens only for what the payer that they name gives', () => {
    const forms = [...nodesOf(openapi, '')].flatMap(([, node]) => {
      const value = node['value'] as Readonly<Record<string, string>> | undefined;
      return value?.['grant_type'] === identityGrantType ? [value] : [];
    });
    const payers = new Map(payersAsRun().map((payer) => [`http://localhost:3000/r4/${payer.id}`, payer]));

    expect(forms).not.toEqual([]);
    const gives = ({ resource, scope }: (typeof forms)[number]): boolean => {
      const { exchange, identitySignIn } = payers.get(resource!)!;
      return (scope === 'system/*.rs' ? exchange : identitySignIn) !== undefined;
    };
    expect(forms.filter((form) => !gives(form)).map(({ resource }) => resource)).toEqual([]);
  });

  it('uses parameter names that compile in generated clients', () => {
    const names = [...nodesOf(openapi, '')].flatMap(([, { in: place, name }]) =>
      place === 'path' || place === 'query' ? [String(name)] : [],
    );

    expect(names.filter((name) => reserved.has(name) || /\s/.test(name))).toEqual([]);
  });

  it('lists the formats of an export, as the page for partners does', () => {
    const [, listed] = /name: _outputFormat\b[^\]]*enum: \[([^\]]*)\]/.exec(
      readFileSync(join(root, openapiPath), 'utf8'),
    )!;
    const [, row] = /^\| `_outputFormat` *\|(.*)\|$/m.exec(
      readFileSync(join(root, 'docs/partners/whole-record.md'), 'utf8'),
    )!;

    expect(listed).toBe(outputFormats.join(', '));
    expect([...row!.matchAll(/`([^`]+)`/g)].map(([, format]) => format)).toEqual(outputFormats);
  });

  it('has the parameters that authorize reads, as the page for partners does', async () => {
    const asked = { client_id: 'third-party-app', redirect_uri: 'http://localhost:3002/third-party/callback', ...pkce };
    const values = new Map(Object.entries(asked));
    const read = new Set<string>([languageParameter]);
    const get = values.get.bind(values);
    values.get = (name) => get(read.add(name) && name);
    const request = { values, repeated: new Set<string>() };
    const origin = 'http://localhost:3000';
    const client = await checkClient({ registry: registryOf(localRegistry()), origin }, 'northwind', request, {
      partner: undefined,
    });
    checkAuthorizeRequest(client, request);
    const taken = [...read].sort();

    const authorize = operations.find(({ id }) => id === 'authorize');
    const inQuery = [...partsOf(authorize as Part, 'parameters').values()].map(({ node }) => String(node['name']));
    expect(inQuery.toSorted()).toEqual(taken);
    const { schemas } = openapi['components'] as Record<'schemas', Record<string, { readonly properties: object }>>;
    expect(Object.keys(schemas['AuthorizeForm']?.properties ?? {}).sort()).toEqual(taken);
    const page = readFileSync(join(root, 'docs/partners/sign-in.md'), 'utf8');
    const section = /^## The authorize request$(.*?)^## /ms.exec(page)?.[1] ?? '';
    expect([...section.matchAll(/^\| `(\w+)`/gm)].map(([, name = '']) => name).sort()).toEqual(taken);
  });

  it('has a path for each route that a partner can call', async () => {
    const { Resources: resources } = await stageTemplate('production-example');
    const parts = new Map(
      Object.entries(resources)
        .filter(([, { Type: type }]) => type === 'AWS::ApiGateway::Resource')
        .map(([id, { Properties: properties = {} }]) => [id, properties]),
    );
    const pathOf = (id: string): string => {
      const { PathPart: part, ParentId: parent } = parts.get(id) ?? {};
      const above = (parent as { Ref?: string } | undefined)?.Ref;
      return `${above === undefined ? '' : pathOf(above)}/${String(part)}`;
    };
    const routes = Object.values(resources)
      .filter(({ Type: type }) => type === 'AWS::ApiGateway::Method')
      .map(({ Properties: properties = {} }) => {
        const { Ref: id } = (properties['ResourceId'] ?? {}) as { readonly Ref?: string };
        // The API's root is no resource of its own.
        return id === undefined ? '/' : pathOf(id);
      });
    // The document uses parameter names that compile in generated clients.
    const unnamed = (path: string): string => path.replaceAll(/\{\w+\}/g, '{}');
    const documented = new Set(operations.map(({ path }) => unnamed(path)));
    // Only the payer's redirect leads to the callback, and the document lists each FHIR path by itself.
    const others = ['/oauth2/callback/{payer}', '/r4/{payer}/{proxy+}'];

    expect(routes.length).toBeGreaterThan(10);
    expect(routes.filter((route) => !documented.has(unnamed(route))).toSorted()).toEqual(others);
  });

  it.each(operations.map(({ id, answers }) => [id, answers] as const))(
    'has examples for %s that fit, and one of each error',
    (_id, answers) => {
      const problems = answers.flatMap((answer) => exampleProblems(answer).map((why) => `${answer.status}: ${why}`));

      expect(problems).toEqual([]);
    },
  );

  it('has examples of parameters, headers and requests that fit too', () => {
    const wrong = [...nodesOf(openapi, '')].flatMap(([pointer, node]) => {
      if (!('schema' in node)) return [];
      const named = Object.values((node['examples'] ?? {}) as Record<string, { readonly value?: unknown }>);
      const values = [node['example'], ...named.map(({ value }) => value)].filter((value) => value !== undefined);
      return values.flatMap((value) => problemsOf(`${pointer}/schema`, value).map((why) => `${pointer}: ${why}`));
    });

    expect(wrong).toEqual([]);
  });

  it('has examples whose sentences the code says', () => {
    const sentences = new Set(
      [...nodesOf(openapi, '')].flatMap(([, node]) =>
        ['error_description', 'diagnostics', 'text'].flatMap((name) =>
          typeof node[name] === 'string' ? [node[name].replace(/ ?\(reference [^)]+\)$/, '')] : [],
        ),
      ),
    );
    const said = ['functions', 'lib'].flatMap((folder) =>
      globSync(`${folder}/**/*.ts`, { cwd: root }).flatMap((file) => textsIn(readFileSync(join(root, file), 'utf8'))),
    );
    const isSaid = (sentence: string): boolean =>
      said.some(({ pattern, letters }) => letters > sentence.length / 4 && pattern.test(sentence));

    expect(sentences.size).toBeGreaterThan(50);
    expect([...sentences].filter((sentence) => !isSaid(sentence))).toEqual([]);
  });
});
