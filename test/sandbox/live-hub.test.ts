import type { Flow, LiveEvent, Step } from '../../sandbox/live/event.ts';
import { createHub } from '../../sandbox/live/hub.ts';

const step = (text: string): Step => ({ kind: 'step', by: 'test', text, facts: [] });

/** A hub whose pauses end when the test says so. */
const testHub = (mostEvents: number) => {
  const waiting: (() => void)[] = [];
  const hub = createHub({ mostEvents, now: () => 0, soon: (callBack) => void waiting.push(callBack) });
  const pass = (): void => {
    for (const callBack of waiting.splice(0)) callBack();
  };
  return { hub, pass, waiting };
};

type Content = LiveEvent | Flow;
const textsOf = (contents: readonly Content[]): string[] =>
  contents.flatMap((content) => (content.kind === 'step' ? [content.text] : []));

/** A reader with room for this many parts. */
const readerOf = (room = Infinity) => {
  const got: Content[] = [];
  let left = room;
  let last = 0;
  const take = (contents: readonly Content[], seq: number): boolean => {
    got.push(...contents);
    last = seq;
    return (left -= 1) > 0;
  };
  return { got, take, last: () => last, makeRoom: (more: number) => (left = more) };
};

describe('the hub of the live view', () => {
  it('gives a new reader what it has, and then what happens', () => {
    const { hub, pass } = testHub(10);
    hub.add(step('one'), () => []);
    const reader = readerOf();
    hub.read(reader, 0);
    expect(textsOf(reader.got)).toEqual(['one']);
    hub.add(step('two'), () => []);
    hub.add(step('three'), () => []);
    pass();
    expect(textsOf(reader.got)).toEqual(['one', 'two', 'three']);
  });

  it('keeps the last events only, whether anyone reads or not', () => {
    const { hub, waiting } = testHub(3);
    for (let number = 1; number <= 1000; number += 1) hub.add(step(String(number)), (id) => [`own ${id}`]);
    expect(waiting).toEqual([]);
    const reader = readerOf();
    hub.read(reader, 0);
    expect(textsOf(reader.got)).toEqual(['998', '999', '1000']);
    expect(reader.got.length).toBeLessThanOrEqual(6);
  });

  it('waits for no slow reader, which later gets what is still there, in its last state', () => {
    const { hub, pass } = testHub(3);
    const slow = readerOf(1);
    const quick = readerOf();
    hub.add(step('one'), () => []);
    const { resume } = hub.read(slow, 0);
    hub.read(quick, 0);
    const changed = hub.add(step('two'), () => []);
    pass();
    for (const text of ['three', 'four']) {
      hub.add(step(text), () => []);
      pass();
    }
    hub.change(changed, step('two, changed'));
    pass();
    expect(textsOf(quick.got)).toEqual(['one', 'two', 'three', 'four', 'two, changed']);
    expect(textsOf(slow.got)).toEqual(['one']);
    slow.makeRoom(Infinity);
    resume();
    expect(textsOf(slow.got)).toEqual(['one', 'three', 'four', 'two, changed']);
  });

  it('gives a reader that comes back what it missed, and nothing twice', () => {
    const { hub, pass } = testHub(10);
    const before = readerOf();
    hub.add(step('one'), () => []);
    const { stop } = hub.read(before, 0);
    stop();
    hub.add(step('two'), () => []);
    pass();
    const after = readerOf();
    hub.read(after, before.last());
    expect(textsOf(before.got)).toEqual(['one']);
    expect(textsOf(after.got)).toEqual(['two']);
  });

  it('ignores a change of an event that is gone', () => {
    const { hub } = testHub(1);
    const gone = hub.add(step('one'), () => []);
    hub.add(step('two'), () => []);
    hub.change(gone, step('one, changed'));
    const reader = readerOf();
    hub.read(reader, 0);
    expect(textsOf(reader.got)).toEqual(['two']);
  });
});
