import type { StageConfig } from '../../config/stage.ts';
import { at, ofType, property, synthesized } from '../support/stage-template.ts';
import { blocksOf, documentAt } from './documents.ts';
import { loadPasted } from './pasted-stage.ts';

const [example = { language: '', code: '' }] = blocksOf(documentAt('docs/bring-your-own.md'));

describe('the example of docs/bring-your-own.md', () => {
  let config: StageConfig;
  beforeAll(async () => {
    // What its own topic replaces is taken out.
    config = await loadPasted(`alarmAddresses: [],\nticketAddresses: [],\n${example.code}`);
  });

  it('is a stage that the check accepts, with everything that an account can bring', () => {
    expect(example.language).toBe('ts');
    expect(Object.keys(config.existing ?? {}).sort()).toEqual(
      ['vpc', 'keys', 'logDestination', 'alarmTopicArn', 'ticketTopicArn', 'webAclArn'].sort(),
    );
    expect(config).toMatchObject({
      tags: { 'cost-center': '4711' },
      permissionsBoundaryArn: expect.stringContaining(':policy/') as string,
      bootstrapQualifier: 'gateway1',
    });
  });

  it('makes a stack that uses what it names, and makes nothing of it', async () => {
    const template = await synthesized(config);
    const { vpc, keys, alarmTopicArn, ticketTopicArn, webAclArn } = config.existing ?? {};
    const count = (type: string): number => ofType(template, type).length;

    expect(property(at(template, 'Functions/Fetch/Function'), 'VpcConfig')).toEqual({
      SubnetIds: vpc?.subnets.map(({ id }) => id),
      SecurityGroupIds: [vpc?.securityGroupId],
    });
    const text = JSON.stringify(template.Resources);
    for (const arn of [...Object.values(keys ?? {}), alarmTopicArn, ticketTopicArn, webAclArn])
      expect(text).toContain(arn);
    const types = ['EC2::VPC', 'EC2::SecurityGroup', 'KMS::Key', 'SNS::Topic', 'WAFv2::WebACL'];
    expect(types.filter((type) => count(`AWS::${type}`) > 0)).toEqual([]);
    expect(count('AWS::Logs::SubscriptionFilter')).toBe(count('AWS::Logs::LogGroup'));
    expect(JSON.stringify(property(at(template, 'Tables/Grants'), 'Tags'))).toContain('cost-center');
  });
});
