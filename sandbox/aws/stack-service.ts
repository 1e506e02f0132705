import { account, region } from './intrinsics.ts';
import { escapeXml } from './s3-errors.ts';
import type { AwsAnswer, AwsService } from './service.ts';

/** What CloudFormation says about the stack. */
export interface DeployedStack {
  readonly name: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly resources: readonly { readonly logicalId: string; readonly type: string; readonly physicalId: string }[];
}

const element = (name: string, text: string): string => `<${name}>${escapeXml(text)}</${name}>`;

/** An answer of one of the services that take forms. */
const xmlAnswer = (status: number, body: string): AwsAnswer => ({
  status,
  headers: { 'content-type': 'text/xml' },
  body,
});

/** An error of one of the services that take forms. */
export const xmlError = (code: string, message: string): AwsAnswer =>
  xmlAnswer(
    400,
    `<ErrorResponse><Error><Type>Sender</Type>${element('Code', code)}${element('Message', message)}</Error><RequestId>local</RequestId></ErrorResponse>`,
  );

const answerOf = (action: string, members: readonly string[], list: string): AwsAnswer => {
  const result = `<${action}Result><${list}>${members.map((member) => `<member>${member}</member>`).join('')}</${list}></${action}Result>`;
  return xmlAnswer(
    200,
    `<${action}Response xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">${result}</${action}Response>`,
  );
};

const outputsOf = ({ outputs }: DeployedStack): string =>
  Object.entries(outputs)
    .map(([key, value]) => `<member>${element('OutputKey', key)}${element('OutputValue', value)}</member>`)
    .join('');

const madeAt = '2026-01-01T00:00:00.000Z';

/** CloudFormation's DescribeStacks and ListStackResources, which the shell functions of docs/operate.sh ask. */
export const localStacks = () => {
  let deployed: DeployedStack | undefined;
  const service: AwsService = ({ body }) => {
    const form = new URLSearchParams(body.toString());
    const [action, asked] = [form.get('Action') ?? '', form.get('StackName')];
    if (deployed === undefined || (asked !== null && asked !== deployed.name))
      return xmlError('ValidationError', `Stack with id ${asked} does not exist`);
    if (action === 'ListStackResources') {
      const members = deployed.resources.map(({ logicalId, type, physicalId }) =>
        [
          element('LogicalResourceId', logicalId),
          element('PhysicalResourceId', physicalId),
          element('ResourceType', type),
          element('LastUpdatedTimestamp', madeAt),
          element('ResourceStatus', 'CREATE_COMPLETE'),
        ].join(''),
      );
      return answerOf(action, members, 'StackResourceSummaries');
    }
    const about = [
      element('StackName', deployed.name),
      element('StackId', `arn:aws:cloudformation:${region}:${account}:stack/${deployed.name}/local`),
      element('CreationTime', madeAt),
      element('StackStatus', 'CREATE_COMPLETE'),
      `<Outputs>${outputsOf(deployed)}</Outputs>`,
    ];
    return answerOf(action, [about.join('')], 'Stacks');
  };
  return {
    service,
    /** Sets what was deployed. */
    deploy: (stack: DeployedStack): void => {
      deployed = stack;
    },
  };
};
