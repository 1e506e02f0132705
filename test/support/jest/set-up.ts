import { setUp } from '../temporary-folder.ts';

export default setUp;
