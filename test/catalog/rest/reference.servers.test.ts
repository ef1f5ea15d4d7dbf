import { tryReal } from './real.ts';

tryReal('reference');
