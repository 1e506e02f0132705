import { callerOf } from './calls.ts';
import { account } from './intrinsics.ts';
import type { AwsService } from './service.ts';

/** STS's GetCallerIdentity. Each caller is a user named after the access key. */
export const callerIdentity: AwsService = (request) => {
  const name = callerOf(request);
  return {
    status: 200,
    headers: { 'content-type': 'text/xml' },
    body:
      '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>' +
      `<Arn>arn:aws:iam::${account}:user/${name}</Arn><UserId>${name}</UserId><Account>${account}</Account>` +
      '</GetCallerIdentityResult></GetCallerIdentityResponse>',
  };
};
