import type { ExchangeInput } from '../../shared/exchanges/input.ts';
import { everything } from '../state/state.ts';

/** The type that problems with a whole exchange are about. */
export const typeOfAll = ({ kind }: Pick<ExchangeInput, 'kind'>): string => (kind === 'match' ? 'Group' : everything);
