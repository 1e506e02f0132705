import { audit } from './audit.ts';
import { largeAnswer } from './large-answer.ts';
import { nothingInTheClear } from './nothing-in-the-clear.ts';
import { pageCommands } from './page-curl.ts';
import { payerExchange } from './payer-exchange.ts';
import { postman } from './postman.ts';
import { standardClients } from './standard-clients.ts';
import { askAgainWhereBusy, startStack, type RunningStack } from './support.ts';
import { usageOfAMonth } from './usage.ts';
import { wholeRecord } from './whole-record.ts';

askAgainWhereBusy();
// One stack for all tests, since starting it takes longer than most of them.
let stack: RunningStack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());
const running = (): RunningStack => stack;

// Everything that it has stored and logged by then comes from this test file.
describe('a record from a former plan', () => payerExchange(running));
describe('the local stack', () => nothingInTheClear(running));
describe("the reference page's commands", () => pageCommands(running));
describe('the Postman collection', () => postman(running));
describe('standard clients', () => standardClients(running));
describe('the whole record', () => wholeRecord(running));
describe('a large answer', () => largeAnswer(running));
describe('the figures of a month', () => usageOfAMonth(running));
describe('the audit', () => audit(running));
