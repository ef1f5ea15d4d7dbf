import { HIVE, serverOrSkip } from '../../servers/available.ts';
import { startHive3 } from '../../servers/hive.ts';
import { hiveSuite } from './suite.ts';

serverOrSkip('Hive Metastore 3.1.3', [HIVE], () => hiveSuite('Hive 3.1.3', startHive3, { compares: false }));
