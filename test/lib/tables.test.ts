import {
  nameOf,
  ofType,
  pathOf,
  property,
  stageTemplate,
  stageTemplates,
  withoutExchanges,
} from '../support/stage-template.ts';

describe.each(await stageTemplates())('the tables of %s', (stage, template) => {
  const byPath = <Value>(name: string): Record<string, Value> =>
    Object.fromEntries(ofType(template, 'AWS::DynamoDB::Table').map((table) => [pathOf(table), property(table, name)]));

  /** That of exchanges, which the demo has not. */
  const ofExchanges = (value: unknown): object => (stage === 'demo' ? {} : { 'Tables/Exchanges': value });

  it('are six and that of exchanges, each with one key or two, and two indexes: open reads, and the grants of a member by their keys only', () => {
    expect(byPath('KeySchema')).toEqual({
      'Tables/LoginAttempts': [{ AttributeName: 'stateHash', KeyType: 'HASH' }],
      'Tables/Grants': [{ AttributeName: 'grantId', KeyType: 'HASH' }],
      'Tables/AuditEvents': [{ AttributeName: 'eventId', KeyType: 'HASH' }],
      'Tables/Limits': [{ AttributeName: 'limitId', KeyType: 'HASH' }],
      'Tables/Registry': [{ AttributeName: 'entryId', KeyType: 'HASH' }],
      'Tables/Exports': [{ AttributeName: 'grantId', KeyType: 'HASH' }],
      ...ofExchanges([
        { AttributeName: 'owner', KeyType: 'HASH' },
        { AttributeName: 'name', KeyType: 'RANGE' },
      ]),
    });
    expect(byPath('GlobalSecondaryIndexes')).toEqual({
      'Tables/LoginAttempts': undefined,
      'Tables/Grants': [
        {
          IndexName: 'Member',
          KeySchema: [{ AttributeName: 'memberIndex', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
      'Tables/AuditEvents': [
        {
          IndexName: 'OpenReads',
          KeySchema: [{ AttributeName: 'openId', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['atMs'] },
        },
      ],
    });
    expect(JSON.stringify(ofType(template, 'AWS::DynamoDB::Table'))).not.toMatch(/LocalSecondaryIndexes/);
    expect(ofType(template, 'AWS::DynamoDB::GlobalTable')).toEqual([]);
  });

  it("are encrypted with the stage's key, recoverable to any second of 35 days, and on demand", () => {
    for (const table of ofType(template, 'AWS::DynamoDB::Table')) {
      const encryption: { KMSMasterKeyId: unknown } = property(table, 'SSESpecification');
      expect(encryption).toMatchObject({ SSEEnabled: true, SSEType: 'KMS' });
      expect(nameOf(template, encryption.KMSMasterKeyId)).toBe('Keys/Data');
      expect(property(table, 'PointInTimeRecoverySpecification')).toEqual({ PointInTimeRecoveryEnabled: true });
      expect(property(table, 'BillingMode')).toBe('PAY_PER_REQUEST');
    }
  });

  it('delete expired items, but nothing of the registry', () => {
    const expiring = { AttributeName: 'expiresAt', Enabled: true };
    expect(byPath('TimeToLiveSpecification')).toEqual({
      'Tables/LoginAttempts': expiring,
      'Tables/Grants': expiring,
      'Tables/AuditEvents': expiring,
      'Tables/Limits': expiring,
      'Tables/Exports': expiring,
      'Tables/Registry': undefined,
      ...ofExchanges(expiring),
    });
  });

  it('stream changes of grants, exports, reads and the registry, but no login attempts or limits', () => {
    expect(byPath('StreamSpecification')).toEqual({
      'Tables/LoginAttempts': undefined,
      'Tables/Grants': { StreamViewType: 'NEW_AND_OLD_IMAGES' },
      'Tables/AuditEvents': { StreamViewType: 'NEW_IMAGE' },
      'Tables/Limits': undefined,
      'Tables/Registry': { StreamViewType: 'NEW_AND_OLD_IMAGES' },
      'Tables/Exports': { StreamViewType: 'NEW_AND_OLD_IMAGES' },
    });
  });

  it('cannot be deleted by mistake if they are to be retained', () => {
    expect(Object.values(byPath('DeletionProtectionEnabled'))).toEqual(
      stage === 'demo' ? Array(6).fill(false) : Array(7).fill(true),
    );
  });
});

describe('the tables of a stage whose data is retained', () => {
  it('are protected even if the stage is not production', async () => {
    const template = await stageTemplate('demo', { removalPolicy: 'retain' });

    for (const table of ofType(template, 'AWS::DynamoDB::Table')) {
      expect(property(table, 'DeletionProtectionEnabled')).toBe(true);
    }
  });
});

it('only a stage with exchanges has a table of them', async () => {
  const without = await stageTemplate('production-example', await withoutExchanges('production-example'));

  expect(JSON.stringify(without)).not.toContain('Exchanges');
});
