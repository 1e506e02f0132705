import type { DrillCase } from '../../sandbox/drill/cases.ts';
import type { DrillResult } from '../../sandbox/drill/drill.ts';
import { casesTable, recordOf } from '../../sandbox/drill/record.ts';
import { faultsIn, type Seen } from '../../sandbox/drill/try-tokens.ts';
import type { Ended } from '../../sandbox/drill/world.ts';

const goesOn: DrillCase = { name: 'a grant', expects: 'goes on' };
const signsIn: DrillCase = { name: 'a grant', expects: 'signs in again' };

describe('what the drill finds wrong with a grant', () => {
  it.each<[DrillCase, Seen]>([
    [goesOn, { code: 400, read: 200, refresh: 200, older: 400 }],
    [signsIn, { code: 400, read: 401, refresh: 400, older: 400 }],
    [signsIn, { code: 400 }],
  ])('is nothing where %j sees %j', (one, seen) => {
    expect(faultsIn(one, seen)).toEqual([]);
  });

  it.each<[DrillCase, Seen, string]>([
    [goesOn, { code: 200, read: 200, refresh: 200 }, 'a grant: its code works a second time'],
    [signsIn, { code: 200 }, 'a grant: its code works a second time'],
    [goesOn, { code: 400, older: 200 }, 'a grant: a replaced refresh token works'],
    [goesOn, { code: 400, read: 401 }, 'a grant: a read is 401, not 200'],
    [signsIn, { code: 400, read: 200 }, 'a grant: a read is 200, not 401'],
    [signsIn, { code: 400, read: 503 }, 'a grant: a read is 503, not 401'],
    [goesOn, { code: 400, refresh: 400 }, 'a grant: a refresh is 400'],
    [signsIn, { code: 400, refresh: 200 }, 'a grant: a refresh is 200'],
  ])('is named where %j sees %j', (one, seen, fault) => {
    expect(faultsIn(one, seen)).toEqual([fault]);
  });
});

describe('the record of a drill', () => {
  const ended = (err: string, ms: number, code: number | null = 0): Ended => ({
    command: 'npm run restore -- grants',
    code,
    out: '{"for":"programs"}\nfor a person\n',
    err,
    ms,
  });
  const result: DrillResult = {
    cases: [
      { case: goesOn, fate: 'putBack', seen: { code: 400, read: 200, refresh: 200, older: 400, exported: 202 } },
      { case: { ...signsIn, name: 'another' }, fate: 'not in the copy', seen: { code: 400 } },
    ],
    steps: [{ title: 'Tables are copied', ms: 1249 }],
    commands: [ended('Would put back 200', 10), ended('', 50, null), ended('Put back 200 grants', 1550)],
    checks: [
      { says: 'One thing.', holds: true },
      { says: 'Another thing.', holds: false },
    ],
    more: 200,
    faults: ['This does not hold: Another thing.'],
  };
  const at = new Date('2026-06-01T23:30:00Z');

  it('has a row for each grant, as wide as its widest cell', () => {
    expect(casesTable(result.cases).split('\n')).toEqual([
      '| the grant | the tool        | the app        | read | refresh | older token | code again | export |',
      '| --------- | --------------- | -------------- | ---- | ------- | ----------- | ---------- | ------ |',
      '| a grant   | put back        | goes on        | 200  | 200     | 400         | 400        | 202    |',
      '| another   | not in the copy | signs in again |      |         |             | 400        |        |',
    ]);
  });

  it('says the day in UTC, what is wrong, what holds, how long it took and what the tool told a person', () => {
    const text = recordOf(result, at);

    expect(text).toContain('`npm run drill -- --write --more 200` wrote this page on June 1, 2026');
    expect(text).toContain('**1 things are wrong:**');
    expect(text).toContain('\n- This does not hold: Another thing.\n');
    expect(text).toContain('- Yes: One thing.\n- **No**: Another thing.\n');
    expect(text).toContain('| Tables are copied | 1.2     |');
    expect(text).toContain('The tool put back 200 grants in 1.6 s, the start of the tool included.');
    expect(text).toContain(
      '    $ npm run restore -- grants\n    for a person\n    Put back 200 grants\n    (exit code 0, 1.6 s)',
    );
    expect(text).toContain('(killed, 0.1 s)');
    expect(text).not.toContain('for":"programs');
  });

  it.each([
    [99, undefined],
    [100, 'The tool put back 100 grants'],
  ])('measures no pace of fewer than a hundred grants: %i', (put, says) => {
    const commands = [...result.commands.slice(0, 2), ended(`Put back ${put} grants`, 1000)];
    const text = recordOf({ ...result, faults: [], commands }, at);

    expect(text).toContain('**All is as it must be:**');
    expect(/The tool put back \d+ grants/.exec(text)?.[0]).toBe(says);
  });
});
