import { createHash } from 'node:crypto';
import { Refusal } from '../shared/errors.ts';

interface Named {
  readonly name: string;
  readonly version: string;
}

interface Component extends Named {
  readonly 'bom-ref': string;
  readonly scope?: string;
  readonly properties?: readonly { readonly name: string }[];
  readonly [more: string]: unknown;
}

/** What `npm sbom --sbom-format cyclonedx` prints. */
interface NpmBom {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
  readonly [more: string]: unknown;
}

const keyOf = ({ name, version }: Named): string => `${name}@${version}`;

/** Whether it is more than a tool. `npm sbom --omit=dev` would also leave out what a tool and a function share. */
const ships = ({ properties = [], scope }: Component): boolean =>
  scope !== 'optional' && !properties.some(({ name }) => name === 'cdx:npm:package:development');

/** Who needs whom, among what ships. */
const edgesAmong = (refs: ReadonlySet<string>, { dependencies, metadata }: NpmBom): NpmBom['dependencies'] => {
  const root = (metadata['component'] as { readonly 'bom-ref'?: string } | undefined)?.['bom-ref'];
  return dependencies
    .filter(({ ref }) => refs.has(ref) || ref === root)
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((needed) => refs.has(needed)) }));
};

/** A UUID (version 8, RFC 9562) from a text. */
const uuidOf = (text: string): string => {
  const hex = createHash('sha256').update(text).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${((Number.parseInt(hex.slice(16, 18), 16) & 0x3f) | 0x80).toString(16)}${hex.slice(18, 20)}`,
    hex.slice(20, 32),
  ].join('-');
};

/**
 * The bill of materials of a release, from npm's. Packages in the functions' bundles have the scope `required`; those that
 * only make and deploy the stack have `excluded`, since they never run beside members' data. npm's random number and time
 * give way to ones that come from the content and the commit, so that the same commit gives the same bytes.
 * @param bundled the packages in the bundles
 * @param at when the commit was made, as an instant
 * @throws Refusal if npm's lacks a bundled package
 */
export const releaseBom = (npmBom: string, bundled: readonly Named[], at: string): string => {
  const bom = JSON.parse(npmBom) as NpmBom;
  const inBundles = new Set(bundled.map(keyOf));
  const components = bom.components
    .filter(ships)
    .map((component) => Object.assign(component, { scope: inBundles.has(keyOf(component)) ? 'required' : 'excluded' }));
  const known = new Set(components.map(keyOf));
  const missing = [...inBundles].filter((key) => !known.has(key));
  if (missing.length > 0) {
    throw new Refusal(
      `npm's bill of materials lacks what is bundled: ${missing.join(', ')}. Is it among the dependencies of package.json? Run npm ci, and try again.`,
    );
  }
  const dependencies = edgesAmong(new Set(components.map((component) => component['bom-ref'])), bom);
  const whole = { ...bom, metadata: { ...bom.metadata, timestamp: at }, components, dependencies };
  const serialNumber = `urn:uuid:${uuidOf(JSON.stringify({ ...whole, serialNumber: undefined }))}`;
  return `${JSON.stringify({ ...whole, serialNumber }, null, 2)}\n`;
};
