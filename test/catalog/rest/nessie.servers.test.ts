import { tryReal } from './real.ts';

tryReal('nessie');
