import dynalite from 'dynalite';
import { callDynalite, createTable, type DynaliteAnswer } from '../../sandbox/aws/call-dynalite.ts';
import { close, listen } from '../../sandbox/aws/listen.ts';

type Item = Readonly<Record<string, { readonly S?: string; readonly N?: string; readonly B?: string }>>;

/** The tables of one world, which no other world uses. */
export interface TableNames {
  readonly loginAttempts: string;
  readonly grants: string;
  readonly auditEvents: string;
  readonly limits: string;
}

/** A DynamoDB that really evaluates conditions, for many worlds. */
export interface Dynamo {
  readonly url: string;
  readonly forward: (body: Buffer, headers: Readonly<Record<string, string>>) => Promise<DynaliteAnswer>;
  readonly createTables: () => Promise<TableNames>;
  /** All items of a table, read around the proxy. */
  readonly items: (table: string) => Promise<readonly Item[]>;
  readonly close: () => Promise<void>;
}

/** No one checks the signature, but it must exist. */
const signed = {
  'content-type': 'application/x-amz-json-1.0',
  'x-amz-date': '20260101T000000Z',
  authorization:
    'AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
};

/** Starts dynalite. */
export const startDynamo = async (): Promise<Dynamo> => {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  const port = await listen(server, 0, '127.0.0.1');
  const forward: Dynamo['forward'] = (body, headers) => callDynalite(server, body, headers);
  const call = async (operation: string, parameters: object): Promise<{ Items?: readonly Item[] }> => {
    const headers = { ...signed, 'x-amz-target': `DynamoDB_20120810.${operation}` };
    const { status, body } = await forward(Buffer.from(JSON.stringify(parameters)), headers);
    if (status !== 200) throw new Error(`dynalite refused ${operation}: ${body.toString()}`);
    return JSON.parse(body.toString()) as { Items?: readonly Item[] };
  };
  const createKeyed = (name: string, key: string): Promise<void> =>
    createTable(call, {
      TableName: name,
      KeySchema: [{ AttributeName: key, KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: key, AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
    });
  let worlds = 0;
  return {
    url: `http://127.0.0.1:${port}`,
    forward,
    createTables: async () => {
      const world = (worlds += 1);
      const names = {
        loginAttempts: `LoginAttempts.${world}`,
        grants: `Grants.${world}`,
        auditEvents: `AuditEvents.${world}`,
        limits: `Limits.${world}`,
      };
      await createKeyed(names.loginAttempts, 'stateHash');
      await createKeyed(names.grants, 'grantId');
      await createKeyed(names.auditEvents, 'eventId');
      await createKeyed(names.limits, 'limitId');
      return names;
    },
    items: async (table) => (await call('Scan', { TableName: table, ConsistentRead: true })).Items ?? [],
    close: () => close(server),
  };
};
