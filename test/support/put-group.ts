import type { Table } from '../../functions/shared/store/dynamo.ts';
import { notePatients, putGroupBody, putGroupHead, type StoredGroup } from '../../functions/shared/store/groups.ts';

/** Writes a whole Group, as the legs and the end of a match do. */
export const putGroup = async (
  table: Table,
  {
    body,
    patients = 'the same',
    ...head
  }: Omit<StoredGroup, 'ended' | 'isMixed' | 'patients'> & Partial<Pick<StoredGroup, 'patients'>>,
): Promise<void> => {
  const [payer = ''] = head.owner.split('/');
  await notePatients(table, { payer, id: head.id, patients, expiresAt: head.expiresAt });
  const chunks = await putGroupBody(table, { ...head, body });
  await putGroupHead(table, { ...head, chunks, patients });
};
