import { tearDown } from '../temporary-folder.ts';

export default tearDown;
