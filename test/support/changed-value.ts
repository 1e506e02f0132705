import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/** Another value of the same type, as somebody who may write to a table puts it there. */
export const changedValue = (value: AttributeValue | undefined): AttributeValue => {
  if (value?.N !== undefined) return { N: String(Number(value.N) + 1) };
  if (value?.BOOL !== undefined) return { BOOL: !value.BOOL };
  if (value?.B !== undefined) return { B: value.B.map((byte, at) => (at === 0 ? byte ^ 1 : byte)) };
  if (value?.SS !== undefined) return { SS: [...value.SS, 'x'] };
  return { S: `${value?.S ?? ''}x` };
};
