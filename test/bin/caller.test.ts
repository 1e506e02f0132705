import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { callerOf } from '../../bin/shared/caller.ts';

const sts = new STSClient({ region: 'us-east-1' });
const mock = mockClient(sts);
const arn = 'arn:aws:sts::111122223333:assumed-role/operators/one';
const isIn = (account: string | undefined) =>
  mock.on(GetCallerIdentityCommand).resolves({ Arn: arn, Account: account });

describe('who runs a tool', () => {
  it('is named by AWS', async () => {
    isIn('111122223333');
    expect(await callerOf(sts, { stage: 'mine', account: '111122223333' })).toEqual({ arn, isStandIn: false });
    expect(await callerOf(sts, { stage: 'mine' })).toEqual({ arn, isStandIn: false });
    isIn('000000000000');
    expect(await callerOf(sts, { stage: 'mine', account: '111122223333' })).toEqual({ arn, isStandIn: true });
  });

  it('must be in the account of the stage, if the stage names one', async () => {
    isIn('444455556666');
    await expect(callerOf(sts, { stage: 'mine', account: '111122223333' })).rejects.toThrow(
      'Stage mine is in account 111122223333, but your credentials are for 444455556666. Set AWS_PROFILE.',
    );
  });

  it('must have a name', async () => {
    mock.on(GetCallerIdentityCommand).resolves({});
    await expect(callerOf(sts, { stage: 'mine' })).rejects.toThrow('AWS does not say who you are');
  });
});
