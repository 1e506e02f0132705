import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/** By path, since a package's `exports` do not name its browser build. */
const ofPackage = (name: string, path: string): URL => {
  const entry = pathToFileURL(createRequire(import.meta.url).resolve(name)).href;
  const folder = `/node_modules/${name}/`;
  return new URL(path, entry.slice(0, entry.lastIndexOf(folder) + folder.length));
};

const own = (name: string): URL => new URL(`static/${name}`, import.meta.url);
const script = 'text/javascript; charset=utf-8';
const style = 'text/css; charset=utf-8';
const svg = 'image/svg+xml';

/** The files that the app serves, by path. Libraries come from their packages: nothing is loaded from elsewhere. */
export const files: Readonly<Record<string, { readonly file: URL; readonly type: string }>> = {
  '/style.css': { file: own('style.css'), type: style },
  '/logo.svg': { file: own('logo.svg'), type: svg },
  '/pocket-record.svg': { file: own('pocket-record.svg'), type: svg },
  '/trend-journal.svg': { file: own('trend-journal.svg'), type: svg },
  '/reload.js': { file: own('reload.js'), type: script },
  '/charts.js': { file: own('charts.js'), type: script },
  '/uplot.js': { file: ofPackage('uplot', 'dist/uPlot.iife.min.js'), type: script },
  '/uplot.css': { file: ofPackage('uplot', 'dist/uPlot.min.css'), type: style },
  '/app/app.js': { file: own('app.js'), type: script },
  '/app/fhir-client.js': { file: ofPackage('fhirclient', 'build/fhir-client.min.js'), type: script },
};
