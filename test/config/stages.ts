/** A small stage for the tests of this folder, and what the check says about a changed one. */
import { createHash } from 'node:crypto';
import { checkStage, ConfigError } from '../../config/checks/check-stage.ts';
import { sound } from './mistakes.ts';

const hash = createHash('sha256').update('a secret').digest('base64url');

const payer = {
  id: 'plan',
  displayName: 'Plan',
  fhirBaseUrl: 'https://plan.example.org/r4',
  authorizationEndpoint: 'https://plan.example.org/authorize',
  tokenEndpoint: 'https://plan.example.org/token',
  clientId: 'gateway',
  clientAuthentication: 'client_secret_basic',
  scopes: ['patient/*.rs'],
};
const partner = {
  clientId: 'app',
  name: 'App',
  homePage: 'https://app.example.org/',
  redirectUris: ['https://app.example.org/callback'],
  clientAuthentication: ['client_secret_basic'],
  secretHashes: [hash],
  scopes: ['patient/*.rs'],
  payers: ['plan'],
};
export const publicApp = { clientAuthentication: ['none'], secretHashes: [] };

export const stage = (changes: { payer?: object; partner?: object; stage?: object } = {}) => ({
  stage: 'test',
  production: false,
  payers: [{ ...payer, ...changes.payer }],
  partners: [{ ...partner, ...changes.partner }],
  ...changes.stage,
});

/** The error's lines, without the file's name in front. */
export const problems = (value: unknown): string[] => {
  try {
    checkStage(value, 'stage.json');
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    const lines = (error as Error).message.split('\n');
    for (const line of lines) expect(line).toMatch(/^stage\.json: [^:]+: .+; .+$/);
    // What an index means is tested elsewhere.
    return lines.map((line) => line.slice('stage.json: '.length).replace(/^(\w+\[\d+\]) \([\w.-]+\)/, '$1'));
  }
};

/** Values by their paths, such as `payers[0].quirks.aud`. */
export type Values = Readonly<Record<string, unknown>>;

/** A stage with these values. @param of what is changed. @default a stage that may be deployed */
export const changed = (values: Values, of: unknown = sound()): unknown => {
  const draft: unknown = structuredClone(of);
  for (const [path, value] of Object.entries(values)) {
    const parts = path.split(/[.[\]]+/).filter(Boolean);
    let inner = draft as Record<string, unknown>;
    for (const [index, part] of parts.slice(0, -1).entries()) {
      inner[part] ??= /^\d+$/.test(parts[index + 1] ?? '') ? [] : {};
      inner = inner[part] as Record<string, unknown>;
    }
    inner[parts.at(-1) ?? ''] = structuredClone(value);
  }
  return draft;
};

/** The fields that the check refuses, without what it says. */
export const refusedFields = (value: unknown): string[] =>
  problems(value).map((line) => line.slice(0, line.indexOf(': ')));
