import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal } from '../shared/errors.ts';

/** Licenses that require no more than notice. */
export const permissive: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'Apache-2.0 AND MIT',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  '(MIT OR CC0-1.0)',
  '(MIT OR GPL-3.0-or-later)',
]);

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly license?: unknown;
  readonly author?: string | { readonly name?: string };
}

/** A package whose code is in a bundle. */
export interface Licensed {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** The texts of its own files, or of the license that it states. */
  readonly text: string;
}

const textFile = /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i;

const ownTexts = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => textFile.test(name))
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n').trim());

const mit = (owner: string): string => `Copyright (c) ${owner}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

/** The text of a license whose package has no file of it; undefined if it cannot be known. */
const statedText = (root: string, license: string, { author }: Manifest): string | undefined => {
  const owner = typeof author === 'string' ? author : author?.name;
  if (license === 'Apache-2.0') return readFileSync(join(root, 'LICENSE'), 'utf8').trim();
  return license === 'MIT' && owner !== undefined ? mit(owner) : undefined;
};

/**
 * Reads the license of a package.
 * @param folder from the root, such as `node_modules/jose`
 * @throws Refusal if the license is unknown or asks for more than notice, or if its text is missing
 */
export const licenseOf = (root: string, folder: string): Licensed => {
  const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest;
  const { name = folder, version = 'of an unknown version', license } = manifest;
  if (typeof license !== 'string' || !permissive.has(license)) {
    throw new Refusal(
      `${name} ${version} is in a bundle, and its license is ${JSON.stringify(license) ?? 'not stated'}. ` +
        'Only licenses that ask for no more than notice may ship (bin/release/licenses.ts lists them). ' +
        'Take the package out, or read its license and add it there.',
    );
  }
  const own = ownTexts(join(root, folder));
  const text = own.length > 0 ? own.join('\n\n') : statedText(root, license, manifest);
  if (text === undefined) {
    throw new Refusal(
      `${name} ${version} is in a bundle, and has no file with the text of its license, ${license}. ` +
        'Its notice cannot be written: take the package out, or add the text in bin/release/licenses.ts.',
    );
  }
  return { name, version, license, text };
};
