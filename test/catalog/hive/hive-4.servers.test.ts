import { HIVE, serverOrSkip } from '../../servers/available.ts';
import { startHive4 } from '../../servers/hive.ts';
import { hiveSuite } from './suite.ts';

serverOrSkip('Hive Metastore 4.0.1', [HIVE], () => hiveSuite('Hive 4.0.1', startHive4, { compares: true }));
