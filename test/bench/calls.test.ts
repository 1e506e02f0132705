import { callRecorder, checkCalls, type Call, type Commands } from '../../bench/calls.ts';

const call = (command: Call['command']): Call => ({ command, input: {} }) as unknown as Call;
const make = (...commands: readonly Call['command'][]) => {
  const recorder = callRecorder();
  const during = (command: Call['command']) =>
    recorder.during(call(command), () => new Promise((resolve) => setImmediate(resolve)));
  return {
    oneByOne: async () => {
      for (const command of commands) await during(command);
      return recorder.take();
    },
    atOnce: async () => {
      await Promise.all(commands.map(during));
      return recorder.take();
    },
  };
};

describe('a floor has the calls of the handler', () => {
  const floor: Commands = [['GetItem'], ['UpdateItem']];

  it('in order', async () => {
    const made = await make('GetItem', 'UpdateItem').oneByOne();
    const turned = await make('UpdateItem', 'GetItem').oneByOne();

    expect(() => checkCalls(made, floor)).not.toThrow();
    expect(() => checkCalls(turned, floor)).toThrow(
      'the handler calls UpdateItem, GetItem; its floor has GetItem, UpdateItem',
    );
  });

  it('one after another, or side by side', async () => {
    const made = await make('UpdateItem', 'GetItem').atOnce();

    expect(() => checkCalls(made, floor)).toThrow(
      'the handler calls GetItem beside UpdateItem; its floor has GetItem, UpdateItem',
    );
    expect(() => checkCalls(made, [['GetItem', 'UpdateItem']])).not.toThrow();
  });

  it('and no more than these', async () => {
    const made = await make('GetItem', 'UpdateItem', 'GetItem').oneByOne();

    expect(() => checkCalls(made, floor)).toThrow('the handler calls GetItem, UpdateItem, GetItem;');
  });
});
