/** DynamoDB in a process of its own, so that its CPU time does not count as ours. */
import dynalite from 'dynalite';
import { listen } from '../../sandbox/aws/listen.ts';

const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
const port = await listen(server, 0, '127.0.0.1');
process.on('disconnect', () => process.exit());
process.send?.({ port });
