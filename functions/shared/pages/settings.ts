import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireEnvironment } from '../environment.ts';

/** Who runs the gateway, as its pages say. */
export interface Operator {
  readonly name: string;
  /** An https URL. */
  readonly website?: string;
  /** The URL of its privacy policy. */
  readonly privacyPolicy?: string;
  /** Where members get help: a URL, or `mailto:` and an address. */
  readonly support?: string;
  /** A `data:` URL of an SVG, PNG or WebP image. */
  readonly logo?: string;
}

/** A member of sandbox payers, to test with. */
export interface TestMember {
  /** Ids of the payers. */
  readonly payers: readonly string[];
  readonly name: string;
  /** What is special about the record, in a few words. */
  readonly about: string;
  /** What to write into the payer's sign-in, by the name of the field. */
  readonly details: Readonly<Record<string, string>>;
}

/** A link of the index page to something other than the gateway, such as a test payer's inbox. */
export interface IndexLink {
  readonly text: string;
  readonly href: string;
}

/** A client as the index page shows it. */
export interface IndexClient {
  readonly clientId: string;
  readonly name: string;
  readonly redirectUris: readonly string[];
  readonly payers: readonly string[];
  readonly isPublic: boolean;
  /** Only where everybody may know it, as in a sandbox. */
  readonly secret?: string;
}

/** What the page at `GET /` shows, as of the stage's last deployment. */
export interface IndexSettings {
  readonly payers: readonly { readonly id: string; readonly displayName: string }[];
  readonly clients: readonly IndexClient[];
  readonly testMembers: readonly TestMember[];
  readonly links: readonly IndexLink[];
  /** How long a code lives, in seconds. */
  readonly codeSeconds: number;
}

/** What a stage's pages show. */
export interface PageSettings {
  readonly operator: Operator;
  /** The page at `GET /`, if the stage has one. */
  readonly indexPage?: IndexSettings;
  /** Whether the stage's domain is its own, so that the gateway may speak for the names below it. @default false */
  readonly ownDomain?: boolean;
}

/** What a function needs that answers with pages. */
export interface PageDeps {
  readonly pages: PageSettings;
}

/** The file beside the code of each function that answers with pages. */
export const pageSettingsFile = 'pages.json';

/** Reads the settings that the stack has put beside the function's code, once when the function starts. */
export const readPageSettings = (): PageSettings =>
  JSON.parse(readFileSync(join(requireEnvironment('LAMBDA_TASK_ROOT'), pageSettingsFile), 'utf8')) as PageSettings;
