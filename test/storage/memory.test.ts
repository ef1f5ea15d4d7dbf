import { memoryStorage } from '../../src/storage/memory/memory.ts';
import { storageContract } from '../contract/storage.ts';

storageContract('memory', async () => ({ storage: memoryStorage() }));
