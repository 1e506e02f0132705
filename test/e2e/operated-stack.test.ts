import { disabledKey } from './disabled-key.ts';
import { dryRuns } from './dry-run.ts';
import { events } from './events.ts';
import { handles } from './handles.ts';
import { liveView } from './live-view.ts';
import { requestsOfMembers } from './members.ts';
import { askAgainWhereBusy, startStack, type RunningStack } from './support.ts';

askAgainWhereBusy();
// One stack for all: each begins with what the ones before have left.
let stack: RunningStack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());
const running = (): RunningStack => stack;

describe('events', () => events(running));
describe('requests of members', () => requestsOfMembers(running));
describe('the live view', () => liveView(running));
describe('a running local stack', () => handles(running));
describe('with --dry-run', () => dryRuns(running));
describe('a disabled key', () => disabledKey(running));
