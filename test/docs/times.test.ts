import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { lookMs } from '../../functions/shared/partner/watch-stops.ts';
import { ofIdentityProviders, ofPayers } from '../../functions/shared/payer/key-reader.ts';
import { rememberedForMs } from '../../functions/shared/payer/secrets.ts';
import { everywhereSeconds } from '../../functions/shared/registry/everywhere.ts';
import { freshMs, staleMs } from '../../functions/shared/registry/kept-reads.ts';
import { at, ofType, property, stageTemplate } from '../support/stage-template.ts';
import { words } from '../support/words.ts';
import { documents, root, type Document } from './documents.ts';

const template = await stageTemplate('production-example');
/** The longest that a function may run, in seconds. */
const timeoutOf = (path: string): number => property(at(template, `${path}/Function`), 'Timeout');
const [fillTimeout = 0] = ofType(template, 'Custom::RegistryFill').map((fill) =>
  Number(property(fill, 'ServiceTimeout')),
);

const numbers = words('zero one two three four five six seven eight nine ten');
const units: Readonly<Record<string, number>> = { second: 1, minute: 60, hour: 3600, day: 86_400 };

/** `five minutes`, `30 seconds`, `an hour`: in seconds. */
const secondsIn = (text: string): number => {
  const [, number = '', unit = ''] = /^(\w+) (second|minute|hour|day)s?$/.exec(text) ?? [];
  const known = /^an?$/.test(number) ? 1 : numbers.indexOf(number);
  return (known < 0 ? Number(number) : known) * (units[unit] ?? Number.NaN);
};

const plain = (text: string): string => text.replaceAll(/[`*]/g, '').replaceAll(/\s+/g, ' ');
const read = (path: string): string => plain(readFileSync(join(root, path), 'utf8'));

/** Sentences of documents and tools on how soon something has an effect, each with the code's time, for which `{}` stands. */
const times: readonly (readonly [seconds: number, path: string, sentence: string])[] = [
  [everywhereSeconds, 'README.md', 'pauses a payer within {};'],
  [everywhereSeconds, 'README.md', 'blocks a partner within {};'],
  [everywhereSeconds, 'SECURITY.md', 'its grants lose within {},'],
  [everywhereSeconds, 'docs/architecture.md', 'takes effect everywhere within {};'],
  [
    everywhereSeconds,
    'docs/incidents.md',
    'is a client id or a name. Within {} its sign-ins, token calls and reads are refused',
  ],
  [everywhereSeconds, 'docs/incidents.md', 'the block holds everywhere within {},'],
  [everywhereSeconds, 'docs/incidents.md', 'Within {} its sign-ins, token calls and reads get'],
  [everywhereSeconds, 'docs/members.md', 'leaves out what comes later than {} after'],
  [everywhereSeconds, 'docs/partners/errors.md', 'can pause a health plan or block an app, within {},'],
  [everywhereSeconds, 'docs/registry.md', 'Within {} it takes effect everywhere.'],
  [freshMs / 1000, 'docs/architecture.md', 'The registry is read by key and kept for {}.'],
  [freshMs / 1000, 'docs/architecture.md', 'read an entry by its key, at most every {} '],
  [freshMs / 1000, 'docs/performance.md', 'reads its own two by key, and keeps them for {}.'],
  [staleMs / 1000, 'docs/architecture.md', 'what was read in the last {} still counts'],
  [staleMs / 1000, 'docs/alarms.md', 'Each uses what it last read for {},'],
  [staleMs / 1000, 'lib/alarm-definitions.ts', 'functions use their last copy for {},'],
  [rememberedForMs / 1000, 'docs/payers.md', 'Functions read it within {}, or at once'],
  [rememberedForMs / 1000, 'bin/payers/write-secret.ts', 'Functions use it within {}, or at once'],
  [rememberedForMs / 1000, 'lib/payer-secrets.ts', 'Functions read a new value within {}.'],
  [ofPayers.rememberedForMs / 1000, 'docs/payers.md', 'Keys are read again after {}, or when one is missing'],
  [ofIdentityProviders.freshForMs / 1000, 'docs/partners/sign-in.md', 'keys again for it, at most once in {}.'],
  [
    ofIdentityProviders.lastForMs / 1000,
    'docs/reported-errors.md',
    "lack the token's key; the last ones count for {} ",
  ],
  [timeoutOf('Exports/ExportJob'), 'docs/incidents.md', 'What they do at that moment ends within {}:'],
  [timeoutOf('Functions/Token'), 'docs/incidents.md', 'and a call takes up to {}),'],
  [fillTimeout, 'docs/deploy.md', 'the deployment fails within {},'],
];

/** Other sentences with such a time, which say how long something counts or took. */
const others = [
  'a grant, within five minutes',
  'owner and the thief refresh within 10 seconds',
  'answered five codes or more within an hour',
  'within six hours, failed or ran out',
  "within three days a partner's webhook",
  'got no first byte within ten seconds',
  'within 20 minutes of an opening',
  "Within a second, an entry's",
  'agrees within two minutes',
  'within 35 days',
  'it ends within an hour',
  'within an hour 14.4',
  'within six hours 6',
  'within 24 hours, while the streams keep records',
  'within 60 days of discovery',
  'It ends once two runs were counted, within twenty minutes',
  'ask for its status within a day',
  'An answer of 2xx within 15 seconds',
  'the access token ends within a minute',
];

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
const patternOf = (sentence: string): RegExp =>
  new RegExp(
    sentence
      .split('{}')
      .map(escaped)
      .join(String.raw`(\w+(?: \w+)?)`),
    'g',
  );

/** `up to 29` is in seconds, too. */
const timesIn = (text: string, sentence: string): number[] =>
  [...text.matchAll(patternOf(sentence))].map(([, time = '']) => secondsIn(/ /.test(time) ? time : `${time} seconds`));

describe('a time until something has an effect', () => {
  it.each(times)('is %d seconds in %s: %s', (seconds, path, sentence) => {
    expect(timesIn(read(path), sentence)).toEqual([seconds]);
  });

  it('leaves room for reading an entry of the registry and for the look of what is under way', () => {
    expect(freshMs + lookMs).toBeLessThan(everywhereSeconds * 1000);
  });

  it('is one of these wherever a document says within which time', () => {
    const all = documents().filter(({ path }) => !/CHANGELOG|reports/.test(path));
    const found = all.flatMap(({ path, text }: Document) => {
      const known = [
        ...times.filter(([, of]) => of === path).map(([, , sentence]) => patternOf(sentence)),
        ...others.map((one) => new RegExp(escaped(one), 'g')),
      ];
      const left = known.reduce((rest, pattern) => rest.replaceAll(pattern, ''), plain(text));
      return (left.match(/\bwithin \w+ (?:second|minute|hour|day)s?\b.{0,40}/gi) ?? []).map((one) => `${path}: ${one}`);
    });
    expect(found).toEqual([]);
  });
});
